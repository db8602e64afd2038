/**
 * A real sshd that nobody installed: Debian's package starts a server of its own where it is installed, so its files are
 * unpacked into a folder of the checkout, and run in a mount namespace in which the account exists that sshd wants.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';

const KEPT = join(import.meta.dirname, '..', '..', '.node', 'debian', 'openssh-server');
const LIMIT_MS = 120_000;

const unpacked = (): string => {
  if (existsSync(join(KEPT, 'usr/sbin/sshd'))) return KEPT;
  const fresh = `${KEPT}.${process.pid}`;
  mkdirSync(join(fresh, 'archives', 'partial'), { recursive: true });
  const apt = ['apt-get', '-y', '-o', `Dir::Cache::archives=${join(fresh, 'archives')}`];
  const fetch = [
    ...apt,
    '--download-only',
    '--reinstall',
    '--no-install-recommends',
    'install',
    'openssh-server',
  ];
  const run = (argv: string[]) => spawnSync(argv[0]!, argv.slice(1), { encoding: 'utf8', timeout: LIMIT_MS });
  if (run(fetch).status !== 0) {
    run(['apt-get', 'update']);
    const { status, stderr } = run(fetch);
    if (status !== 0) throw new Error(`openssh-server could not be fetched: ${stderr}`);
  }
  for (const archive of readdirSync(join(fresh, 'archives')).filter((name) => name.endsWith('.deb')))
    execFileSync('dpkg-deb', ['--extract', join(fresh, 'archives', archive), fresh]);
  rmSync(join(fresh, 'archives'), { recursive: true });
  try {
    renameSync(fresh, KEPT);
  } catch {
    rmSync(fresh, { recursive: true }); // another test was quicker
  }
  return KEPT;
};

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

export class Sshd {
  /** The client's key, and the file in which it knows the server. */
  readonly identity: string;
  readonly knownHosts: string;
  readonly #script: string;

  /** Keys and configuration are made in `directory`, which is the caller's to remove. `lines` are of sshd_config(5). */
  constructor(directory: string, lines: readonly string[] = []) {
    const root = unpacked();
    const at = (name: string): string => join(directory, name);
    for (const name of ['host_key', 'id_ed25519'])
      execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
    this.identity = at('id_ed25519');
    this.knownHosts = at('known_hosts');
    writeFileSync(this.knownHosts, `* ${readFileSync(at('host_key.pub'), 'utf8')}`);
    writeFileSync(at('authorized_keys'), readFileSync(at('id_ed25519.pub')), { mode: 0o600 });
    const helper = (name: string): string => join(root, 'usr/lib/openssh', name);
    writeFileSync(
      at('sshd_config'),
      [
        `HostKey ${at('host_key')}`,
        `AuthorizedKeysFile ${at('authorized_keys')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin yes',
        'PidFile none',
        'Subsystem sftp internal-sftp',
        // From 9.8 on sshd is several programs.
        ...(existsSync(helper('sshd-session')) ? [`SshdSessionPath ${helper('sshd-session')}`] : []),
        ...(existsSync(helper('sshd-auth')) ? [`SshdAuthPath ${helper('sshd-auth')}`] : []),
        ...lines,
        '',
      ].join('\n'),
    );
    const accounts = readFileSync('/etc/passwd', 'utf8');
    const own = /^sshd:/m.test(accounts)
      ? accounts
      : `${accounts}sshd:x:65533:65534::/run/sshd:/usr/sbin/nologin\n`;
    writeFileSync(at('passwd'), own);
    const libraries = readdirSync(join(root, 'usr/lib'))
      .filter((name) => name.includes('-linux-'))
      .map((name) => join(root, 'usr/lib', name));
    this.#script = [
      `mount --bind ${quoted(at('passwd'))} /etc/passwd`,
      '{ [ -d /run/sshd ] || { mount -t tmpfs none /run && mkdir /run/sshd; }; }',
      `export LD_LIBRARY_PATH=${quoted(libraries.join(':'))}`,
      `exec ${quoted(join(root, 'usr/sbin/sshd'))} -f ${quoted(at('sshd_config'))} "$@"`,
    ].join(' && ');
  }

  /** Command line of the server. `-i`: one connection over its standard streams. `-D -p PORT`: in the foreground. */
  argv(...options: string[]): string[] {
    return ['unshare', '--mount', 'sh', '-c', this.#script, 'sshd', ...options];
  }

  /** Options for ssh(1) and scp(1). With no port they talk to a server of their own, whatever the host's name. */
  options(...more: string[]): string[] {
    return [
      ...['-o', `IdentityFile=${this.identity}`, '-o', 'IdentitiesOnly=yes', '-o', 'BatchMode=yes'],
      ...['-o', `UserKnownHostsFile=${this.knownHosts}`, '-o', 'GlobalKnownHostsFile=none'],
      ...['-o', `User=${userInfo().username}`, '-F', 'none', ...more],
    ];
  }

  /** As one word, for ProxyCommand and scripts. */
  get overStandardStreams(): string {
    return this.argv('-i').map(quoted).join(' ');
  }
}
