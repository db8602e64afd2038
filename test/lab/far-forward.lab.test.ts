/** The operator, the engine and the device on three machines: ssh from the first to the second, the tunnel to the third. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hold } from '../commands/hold.ts';
import { requires } from '../require.ts';
import { echoServer } from './inside.ts';
import { LAB_NEEDS, Lab } from './lab.ts';
import { binary, Process } from './processes.ts';
import { Sshd } from './sshd.ts';

describe('a forward of an engine on another host', requires(...LAB_NEEDS, 'a private sshd'), () => {
  let lab: Lab;
  let env: Record<string, string>;
  const running: Process[] = [];
  /** borealisctl on the operator's own machine. */
  const ctl = (...args: string[]): Process => {
    const process = new Process(binary('borealisctl'), args, env);
    running.push(process);
    return process;
  };

  beforeAll(async () => {
    lab = await Lab.start(['north']);
    await lab.startEngine();
    await lab.startDevice('north');
    await echoServer(lab.device('north'), 22);
    const sshd = new Sshd(lab.directory, [`SetEnv BOREALIS_SOCKET=${lab.socket}`]);
    const server = lab.path('server');
    const quoted = lab.engine
      .argv('sh', '-c', sshd.overStandardStreams)
      .map((word) => `'${word.replaceAll("'", "'\\''")}'`);
    writeFileSync(server, `exec ${quoted.join(' ')}\n`);
    const options = sshd.options('-o', `ProxyCommand=sh ${server}`).map((word) => `'${word}'`);
    writeFileSync(lab.path('ssh'), `#!/bin/sh\nexec /usr/bin/ssh ${options.join(' ')} "$@"\n`, {
      mode: 0o755,
    });
    env = {
      PATH: `${lab.directory}:${process.env.PATH}`,
      BOREALIS_HOST: `ssh://engine.example.org${binary('borealisctl')}`,
    };
  });
  afterAll(async () => {
    for (const one of running) await one.kill('SIGKILL');
    await lab?.dispose();
  });

  /** What comes back of `text`, both sides' ends included. */
  const exchange = (port: number, text: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
      let heard = '';
      socket.setEncoding('utf8').on('data', (data) => {
        heard += data;
      });
      socket.once('error', reject).once('end', () => resolve(heard));
      socket.end(text);
    });

  test('gives a port of this machine, and carries each connection whole', async () => {
    const forward = ctl('tunnel', 'forward', 'north', '0:22', '--json');
    await forward.until(() => forward.stdout.includes('\n'), 'listening');
    const told = JSON.parse(forward.stdout) as {
      local: { host: string; port: number };
      tunnel: { state: string; transport: string };
    };
    const { local, tunnel } = told;
    expect(['udp', 'relay']).toContain(tunnel.transport);
    // Which way it goes at the first moment is the network's to say, and the port is the system's choice.
    await hold(lab, 'tunnel-forward', {
      ...told,
      local: { ...local, port: '<number>' },
      tunnel: { ...tunnel, transport: '<transport>' },
    });
    expect(tunnel.state).toBe('up');
    const text = 'far and back\n'.repeat(20_000);
    const all = await Promise.all(Array.from({ length: 3 }, () => exchange(local.port, text)));
    for (const heard of all) expect(heard === text).toBe(true);
    expect((await forward.kill('SIGINT')).stderr).toBe('');
    await expect(exchange(local.port, 'x')).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  test('says what the far engine says: no such device, a port that is not allowed', async () => {
    const answer = async (...args: string[]) => {
      const { stdout } = await ctl('tunnel', 'forward', ...args, '--json').finished;
      return JSON.parse(stdout) as unknown;
    };
    expect(await answer('nobody', '0:22')).toMatchObject({ error: { code: 'DEVICE_NOT_FOUND' } });
    expect(await answer('north', '0:23')).toMatchObject({ error: { code: 'PORT_NOT_ALLOWED' } });
  });

  test('is for standard input and output too, as ssh wants it of a ProxyCommand', async () => {
    const one = new Process(binary('borealisctl'), ['tunnel', 'forward', 'north', '-:22'], env, {
      input: 'hello',
    });
    running.push(one);
    expect(await one.finished).toMatchObject({ code: 0, stdout: 'hello' });
  });
});
