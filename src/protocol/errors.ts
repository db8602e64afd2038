/**
 * Every error a person or a script can meet, in one place: a stable code, its HTTP status (RFC 9110), the exit
 * code of `borealisctl`, a sentence and the next step. Codes are never renamed and never reused.
 */

/** Exit codes of borealisctl. 0 is done. */
export const EXIT = {
  failed: 1,
  usage: 2,
  notFound: 3,
  notPermitted: 4,
  unreachable: 5,
  timedOut: 6,
  conflict: 7,
  partial: 8,
} as const;

export interface ErrorEntry {
  readonly status: number;
  readonly exit: number;
  readonly message: string;
  readonly next: string;
}

const entry = (status: number, exit: number, message: string, next: string): ErrorEntry => ({
  status,
  exit,
  message,
  next,
});

export const ERRORS = {
  // The caller's request
  INVALID_INPUT: entry(
    400,
    EXIT.usage,
    'The request is not valid.',
    'Correct the named field and try again.',
  ),
  INVALID_JSON: entry(
    400,
    EXIT.usage,
    'The body is not valid JSON.',
    'Send one JSON object as application/json.',
  ),
  BODY_TOO_LARGE: entry(413, EXIT.usage, 'The request body is too large.', 'Send less in one request.'),
  NO_SUCH_OPERATION: entry(
    404,
    EXIT.notFound,
    'There is no such operation.',
    'See /api/v1/openapi.json for the operations.',
  ),
  METHOD_NOT_ALLOWED: entry(
    405,
    EXIT.usage,
    'That path does not take this method.',
    'See /api/v1/openapi.json for the operations.',
  ),
  WEBSOCKET_REQUIRED: entry(
    426,
    EXIT.usage,
    'This operation is a stream; ask for it as a WebSocket.',
    'Use borealisctl, or send the WebSocket upgrade headers.',
  ),
  WATCHER_TOO_SLOW: entry(
    429,
    EXIT.failed,
    'The watcher reads more slowly than things happen, so the stream was ended.',
    'Watch again with a narrower filter.',
  ),
  NOT_PERMITTED: entry(
    403,
    EXIT.notPermitted,
    'Your role does not allow this.',
    'Ask an admin to run: borealisctl user grant',
  ),
  STRANGER: entry(
    403,
    EXIT.notPermitted,
    'Your Unix user has no role in this engine.',
    'Ask an admin to run: borealisctl user grant YOU viewer',
  ),
  IDENTITY_UNPROVEN: entry(
    403,
    EXIT.notPermitted,
    'The kernel did not say who is calling.',
    'Use the Unix socket on the engine host, or ssh to it.',
  ),
  // Nouns
  DEVICE_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'No device has that name, GUID or prefix.',
    'List devices with: borealisctl device list',
  ),
  DEVICE_AMBIGUOUS: entry(
    409,
    EXIT.conflict,
    'That prefix names more than one device.',
    'Type more of the name or GUID.',
  ),
  DEVICE_NAME_TAKEN: entry(
    409,
    EXIT.conflict,
    'Another device already has that name.',
    'Choose another name.',
  ),
  DEVICE_STATE_CONFLICT: entry(
    409,
    EXIT.conflict,
    'The device is not in a state that allows this.',
    'See its state with: borealisctl device show',
  ),
  DEVICE_OFFLINE: entry(
    409,
    EXIT.failed,
    'The device is offline.',
    'Queue the command with --ttl and --detach, or wait until it is online.',
  ),
  NO_TARGETS: entry(400, EXIT.usage, 'No device is named.', 'Name devices, or use --tag, --site or --all.'),
  NO_DEVICE_MATCHES: entry(
    404,
    EXIT.notFound,
    'No device matches.',
    'See what there is with: borealisctl device list',
  ),
  CODE_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such enrolment code.',
    'List codes with: borealisctl code list',
  ),
  CODE_INVALID: entry(
    403,
    EXIT.failed,
    'The enrolment code is not valid.',
    'Ask an operator for a new link: borealisctl code create',
  ),
  CODE_EXPIRED: entry(
    403,
    EXIT.failed,
    'The enrolment code has expired.',
    'Ask an operator for a new link: borealisctl code create',
  ),
  CODE_USED_UP: entry(
    403,
    EXIT.failed,
    'The enrolment code has been used as often as it allows.',
    'Ask an operator for a new link: borealisctl code create',
  ),
  CODE_REVOKED: entry(
    403,
    EXIT.failed,
    'The enrolment code was revoked.',
    'Ask an operator for a new link: borealisctl code create',
  ),
  LINK_INVALID: entry(
    400,
    EXIT.usage,
    'The enrolment link is not valid.',
    'Copy the whole borealis://… link, in quotes.',
  ),
  APPROVAL_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such approval request.',
    'List them with: borealisctl approval list',
  ),
  APPROVAL_DECIDED: entry(
    409,
    EXIT.conflict,
    'That approval request was already decided.',
    'List the waiting ones with: borealisctl approval list',
  ),
  APPROVAL_CONFLICT: entry(
    409,
    EXIT.conflict,
    'The request clashes with an enrolled device.',
    'Approve with --merge DEVICE or --overwrite DEVICE, or deny it.',
  ),
  SCRIPT_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such script.',
    'List scripts with: borealisctl script list',
  ),
  SCRIPT_EXISTS: entry(
    409,
    EXIT.conflict,
    'A script of that name exists with other content.',
    'Add it with --replace, or under another --name.',
  ),
  JOB_NOT_FOUND: entry(404, EXIT.notFound, 'There is no such job.', 'List jobs with: borealisctl job list'),
  JOB_AMBIGUOUS: entry(409, EXIT.conflict, 'That prefix names more than one job.', 'Type more of the id.'),
  JOB_FINISHED: entry(
    409,
    EXIT.conflict,
    'The job has already finished.',
    'See it with: borealisctl job show',
  ),
  TUNNEL_DOWN: entry(
    409,
    EXIT.conflict,
    'The device has no tunnel.',
    'Bring it up with: borealisctl tunnel connect DEVICE',
  ),
  TUNNEL_FAILED: entry(
    502,
    EXIT.failed,
    'The tunnel could not be brought up.',
    'See the reason above, then try: borealisctl doctor',
  ),
  TUNNEL_UNSUPPORTED: entry(
    409,
    EXIT.failed,
    'The agent of that device cannot make a tunnel.',
    'It must run as root on Linux (context system), with wireguard and nftables installed.',
  ),
  TUNNEL_ADDRESSES_USED_UP: entry(
    409,
    EXIT.conflict,
    'Every address of the tunnel network is given to a device.',
    'Remove devices, or enlarge tunnel_network.',
  ),
  PORT_NOT_ALLOWED: entry(
    403,
    EXIT.notPermitted,
    'The tunnel of that device may not reach that port.',
    'See and set the ports with: borealisctl tunnel ports DEVICE [--set …]',
  ),
  POOL_USED_UP: entry(
    409,
    EXIT.conflict,
    'Every address of the pool has been given out.',
    'Addresses are never given twice: make another service with a larger pool.',
  ),
  VPN_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such VPN service.',
    'List them with: borealisctl vpn list',
  ),
  VPN_EXISTS: entry(
    409,
    EXIT.conflict,
    'There is a VPN service of that name.',
    'Choose another name, or see: borealisctl vpn show NAME',
  ),
  CONNECTION_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'The VPN service has no such connection.',
    'List them with: borealisctl connection list VPN',
  ),
  CONNECTION_EXISTS: entry(
    409,
    EXIT.conflict,
    'The VPN service has a connection of that name.',
    'Choose another name, or see: borealisctl connection show VPN NAME',
  ),
  PUBLIC_KEY_TAKEN: entry(
    409,
    EXIT.conflict,
    'That public key is in use in this VPN service.',
    'Each client has a key of its own: make another one, with wg genkey.',
  ),
  ADDRESS_TAKEN: entry(
    409,
    EXIT.conflict,
    'That address has been given out; addresses are never given twice.',
    'Choose another address of the pool, or leave it to the engine.',
  ),
  NETWORK_OVERLAP: entry(
    409,
    EXIT.conflict,
    'That network overlaps another one.',
    'Choose a network that nothing else uses: ip route show',
  ),
  OUT_OF_REACH: entry(
    409,
    EXIT.conflict,
    'The VPN service does not lead there.',
    'Allow networks that it leads to: borealisctl vpn show NAME',
  ),
  PRIVATE_KEY_SHOWN: entry(
    409,
    EXIT.conflict,
    'Only the client has the private key: it was shown once, or never was the engine’s.',
    'Give the client another one with --new-key; the one before is of no use from then on.',
  ),
  QR_TOO_LARGE: entry(
    409,
    EXIT.conflict,
    'The QR code is larger than it can be.',
    'Use a file: borealisctl connection config VPN NAME --file FILE',
  ),
  FORWARDING_OFF: entry(
    409,
    EXIT.conflict,
    'This host does not forward packets, and the engine may not change that.',
    'Turn it on yourself: sysctl -w net.ipv6.conf.all.forwarding=1',
  ),
  SHELL_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such shell.',
    'List shells with: borealisctl shell list',
  ),
  SHELL_ENDED: entry(
    409,
    EXIT.conflict,
    'The shell has ended.',
    'Replay it with: borealisctl session replay ID',
  ),
  SHELLS_USED_UP: entry(
    429,
    EXIT.failed,
    'The device runs as many shells as it may.',
    'End one of them: borealisctl shell list, then borealisctl shell kill ID',
  ),
  SHELL_READ_ONLY: entry(
    403,
    EXIT.notPermitted,
    'You may only watch this shell.',
    'Attach without --read-only, as an operator.',
  ),
  SHELL_UNREACHABLE: entry(
    503,
    EXIT.failed,
    'The device of that shell cannot be reached now.',
    'It is attached again when the tunnel is back.',
  ),
  UNKNOWN_USER: entry(
    404,
    EXIT.notFound,
    'The device has no such account, or one that may not log in.',
    'Name another with --user.',
  ),
  SESSION_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'There is no such recorded session.',
    'List them with: borealisctl session list',
  ),
  SESSION_AMBIGUOUS: entry(
    409,
    EXIT.conflict,
    'Several recorded sessions begin like that.',
    'Give more of the id; list them with: borealisctl session list',
  ),
  RECORDING_DAMAGED: entry(
    500,
    EXIT.failed,
    'The recording is not as the engine wrote it.',
    'Somebody or something changed its file; compare it with a copy, and see: borealisctl audit list',
  ),
  RECORDING_FAILED: entry(
    503,
    EXIT.failed,
    'The shell cannot be recorded now, and it does not go on unrecorded.',
    'Look at the disk below the engine’s state directory: borealisctl doctor',
  ),
  SHELL_AMBIGUOUS: entry(
    409,
    EXIT.conflict,
    'Several shells begin like that.',
    'Give more of the id; list shells with: borealisctl shell list',
  ),
  COPY_FAILED: entry(
    502,
    EXIT.failed,
    'Not everything was copied.',
    'Run the same command again: it goes on where it stopped.',
  ),
  NO_SUCH_PATH: entry(
    404,
    EXIT.notFound,
    'There is no such file or directory.',
    'Check the path, and on which machine it is.',
  ),
  GRANT_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'That user or group has no role here.',
    'List roles with: borealisctl user list',
  ),
  UNKNOWN_ACCOUNT: entry(
    400,
    EXIT.usage,
    'This host has no such Unix user or group.',
    'Name a Unix user, or a group as @group.',
  ),
  SETTING_UNKNOWN: entry(
    404,
    EXIT.notFound,
    'There is no such setting.',
    'List settings with: borealisctl config show',
  ),
  CONFIG_INVALID: entry(
    400,
    EXIT.usage,
    'The configuration is not valid.',
    'Correct it and check again with: borealisctl config check',
  ),
  INVENTORY_UNKNOWN: entry(
    404,
    EXIT.notFound,
    'The device has not sent its inventory yet.',
    'Wait until the device is online.',
  ),
  BACKUP_UNREADABLE: entry(
    400,
    EXIT.failed,
    'The file is not a Borealis backup, or it is damaged.',
    'Use another backup.',
  ),
  BACKUP_PASSPHRASE: entry(
    403,
    EXIT.failed,
    'The passphrase does not open this backup.',
    'Try the passphrase that was used to create it.',
  ),
  // Trust
  INVALID_SIGNATURE: entry(
    401,
    EXIT.failed,
    'A signature does not verify.',
    'Treat this as tampering until explained; see the audit log.',
  ),
  PIN_MISMATCH: entry(
    401,
    EXIT.failed,
    "The engine's certificate does not match the pinned key.",
    'Check the address; if the engine was rebuilt, enrol with a new link.',
  ),
  CERTIFICATE_REQUIRED: entry(
    401,
    EXIT.failed,
    'A client certificate of this engine is required.',
    'Enrol the agent: borealis-agent enroll LINK',
  ),
  CLOCK_SKEW: entry(
    401,
    EXIT.failed,
    'A certificate is not valid at this time.',
    'Check the clocks of the device and of the engine (timedatectl); if both are right, ask who answers at that address.',
  ),
  TOKEN_INVALID: entry(
    401,
    EXIT.failed,
    'The access token is not valid.',
    'Refresh the token, or enrol again.',
  ),
  EXPIRED_TOKEN: entry(401, EXIT.failed, 'The token has expired.', 'Refresh it.'),
  TOKEN_REUSED: entry(
    401,
    EXIT.failed,
    'A refresh token was used twice; its whole family is revoked.',
    'Enrol the agent again.',
  ),
  PROOF_INVALID: entry(
    401,
    EXIT.failed,
    'The proof of possession is not valid.',
    'Check the clock of the device.',
  ),
  REPLAY_DETECTED: entry(
    401,
    EXIT.failed,
    'The message was seen before.',
    'Treat this as an attack until explained.',
  ),
  DEVICE_REVOKED: entry(
    403,
    EXIT.notPermitted,
    'The device was revoked.',
    'An operator may enrol it again with a new code.',
  ),
  DEVICE_QUARANTINED: entry(
    403,
    EXIT.notPermitted,
    'The device is quarantined.',
    'Release it with: borealisctl device release',
  ),
  ENROLMENT_DENIED: entry(
    403,
    EXIT.notPermitted,
    'An operator denied the enrolment.',
    'Ask the operator, then enrol again.',
  ),
  ENROLMENT_EXPIRED: entry(
    403,
    EXIT.failed,
    'The enrolment request has expired.',
    'Enrol again with a new link.',
  ),
  NOT_ENROLLED: entry(
    409,
    EXIT.failed,
    'This agent is not enrolled.',
    'Enrol it: borealis-agent enroll LINK',
  ),
  ALREADY_ENROLLED: entry(
    409,
    EXIT.conflict,
    'This agent is already enrolled.',
    'Remove it first: borealis-agent unenroll',
  ),
  RATE_LIMITED: entry(429, EXIT.failed, 'Too many requests.', 'Wait a minute, then try again.'),
  // Commands on devices (DESIGN §4.6)
  VALIDATION_FAILED: entry(
    400,
    EXIT.failed,
    'The arguments of the verb are not valid.',
    'See the verb with: borealisctl verb show',
  ),
  EXEC_TIMEOUT: entry(
    504,
    EXIT.timedOut,
    'The command ran out of its time and was ended.',
    'Give it more with --timeout.',
  ),
  EXEC_FAILED: entry(
    500,
    EXIT.failed,
    'The command could not be started.',
    'Read the detail; the interpreter may be missing on the device.',
  ),
  UNKNOWN_VERB: entry(
    400,
    EXIT.failed,
    'The agent does not know that verb.',
    'Update the agent, or list verbs with: borealisctl verb list',
  ),
  SCHEMA_MISMATCH: entry(
    400,
    EXIT.failed,
    'The message does not have the agreed form.',
    'Bring engine and agent to the same version.',
  ),
  AGENT_RESTARTED: entry(
    500,
    EXIT.failed,
    'The agent was ended while the command ran; its outcome is not known.',
    'Check the device, then: borealisctl job retry',
  ),
  NOT_ADDRESSED: entry(
    403,
    EXIT.failed,
    'The command is addressed to another device.',
    'Treat this as tampering until explained.',
  ),
  COMMAND_EXPIRED: entry(
    410,
    EXIT.timedOut,
    'The device did not come online before the command expired.',
    'Retry with a longer --ttl.',
  ),
  JOB_CANCELLED: entry(
    409,
    EXIT.failed,
    'The job was cancelled.',
    'Start it again with: borealisctl job retry',
  ),
  // The machine
  ENGINE_UNREACHABLE: entry(
    503,
    EXIT.unreachable,
    'The engine does not answer.',
    'Start it with: borealisctl daemon start',
  ),
  ENGINE_STARTING: entry(
    503,
    EXIT.unreachable,
    'The engine is starting or stopping.',
    'Try again in a moment.',
  ),
  ENGINE_RUNNING: entry(
    409,
    EXIT.conflict,
    'The engine is already running.',
    'See it with: borealisctl status',
  ),
  STATE_LOCKED: entry(
    409,
    EXIT.conflict,
    'Another process holds this state directory.',
    'Stop that process, or use another --state.',
  ),
  STATE_UNSAFE: entry(
    500,
    EXIT.failed,
    'The state directory or a secret in it can be read or changed by others.',
    'Correct owner and mode, then start again.',
  ),
  STATE_INACCESSIBLE: entry(
    500,
    EXIT.notPermitted,
    'The state directory cannot be read or written.',
    'Run this as the user whose it is, or name another with --state.',
  ),
  STATE_DAMAGED: entry(
    500,
    EXIT.failed,
    'A file in the state directory is damaged.',
    'Restore it from a backup of that directory.',
  ),
  KEYS_UNOPENED: entry(
    500,
    EXIT.failed,
    'The keys in the store cannot be opened.',
    'Put the right master key back, or restore a backup.',
  ),
  SERVICE_KEYS_UNOPENED: entry(
    500,
    EXIT.failed,
    'What the device keeps of a VPN service, its keys, cannot be opened there.',
    'Put its key back, or let it connect: the engine tells it the service again.',
  ),
  PORT_TAKEN: entry(
    409,
    EXIT.conflict,
    'The port is taken by another process.',
    'Stop it, or set another port with --listen.',
  ),
  NET_ADMIN_REQUIRED: entry(
    403,
    EXIT.notPermitted,
    'Changing the network needs the capability CAP_NET_ADMIN.',
    'Run it as root, or give its service AmbientCapabilities=CAP_NET_ADMIN.',
  ),
  WIREGUARD_MISSING: entry(
    501,
    EXIT.failed,
    'This machine has neither the WireGuard kernel module nor wireguard-go.',
    'Install it: apt-get install wireguard-go',
  ),
  WG_INTERFACE_FOREIGN: entry(
    409,
    EXIT.conflict,
    'A network interface of that name is not ours.',
    'Remove that interface, or name ours otherwise: tunnel_interface in borealisd.toml, or in the agent.toml of a device.',
  ),
  NETNS_FOREIGN: entry(
    409,
    EXIT.conflict,
    'A network namespace or an interface of that name is not ours; it was left alone.',
    'Look at it: ip netns; ip link',
  ),
  WG_ROUTE_TAKEN: entry(
    409,
    EXIT.conflict,
    'Another route has that prefix; it was left alone.',
    'Remove that route, or choose another network: ip route show',
  ),
  HA_NO_INTERFACE: entry(
    409,
    EXIT.conflict,
    'This machine has no network interface for the floating address.',
    'Give one an address of the same network, or name the interface: ip address show',
  ),
  HA_ADDRESS_TAKEN: entry(
    409,
    EXIT.conflict,
    'The floating address is configured on this machine by somebody else; it was left alone.',
    'Remove it there (ip address show), or choose another floating address.',
  ),
  BASTION_UNSUPPORTED: entry(
    409,
    EXIT.conflict,
    'The device cannot run VPN services.',
    'It needs Linux, WireGuard, nft, and an agent that runs as root: borealisctl device show DEVICE',
  ),
  HA_NOT_FOUND: entry(
    404,
    EXIT.notFound,
    'The VPN service runs on one node alone: there is no pair.',
    'Make one with: borealisctl ha enable VPN --primary DEVICE --standby DEVICE --address CIDR',
  ),
  HA_EXISTS: entry(
    409,
    EXIT.conflict,
    'There is such a pair already.',
    'See it with: borealisctl ha show VPN',
  ),
  HA_NOT_READY: entry(
    409,
    EXIT.conflict,
    'The other node cannot take the floating address now.',
    'See why with: borealisctl ha show VPN',
  ),
  HA_HOOK_FAILED: entry(
    500,
    EXIT.failed,
    'The hook that moves the floating address failed.',
    'Correct it and try it by hand, as the detail has it; what it must do: docs/ha-hook.md',
  ),
  PROGRAM_MISSING: entry(501, EXIT.failed, 'A program that this needs is not installed.', 'Install it.'),
  PATH_TOO_LONG: entry(
    400,
    EXIT.usage,
    'The path is too long for a Unix socket.',
    'Use a shorter --state or --socket.',
  ),
  DISK_FULL: entry(
    507,
    EXIT.failed,
    'The disk is full; nothing was changed.',
    'Free space on the state directory, then try again.',
  ),
  STORE_FAILED: entry(
    500,
    EXIT.failed,
    'The store did not take the change; nothing was changed.',
    'See: borealisctl log --component store',
  ),
  STORE_NEWER: entry(
    500,
    EXIT.failed,
    'The store was written by a newer version.',
    'Use that version, or restore a backup.',
  ),
  NOT_BUILT: entry(500, EXIT.failed, 'This checkout is not set up.', 'Run: npm run setup'),
  SERVICE_FAILED: entry(
    500,
    EXIT.failed,
    'The service is installed, but did not start.',
    'See: journalctl --unit borealisd',
  ),
  NEEDS_ROOT: entry(403, EXIT.notPermitted, 'This needs root.', 'Run it with sudo.'),
  COMMAND_FAILED: entry(500, EXIT.failed, 'A command of the operating system failed.', 'Read the detail.'),
  UNSUPPORTED_PLATFORM: entry(
    501,
    EXIT.failed,
    'This is not supported on this operating system.',
    'See docs/operations.md.',
  ),
  TIMED_OUT: entry(504, EXIT.timedOut, 'That took too long.', 'Try again, or raise the time limit.'),
  USAGE: entry(400, EXIT.usage, 'The command line is not right.', 'Add --help to see how it is used.'),
  CANCELLED: entry(499, EXIT.failed, 'Cancelled.', 'Run it again when ready.'),
  SOME_FAILED: entry(500, EXIT.partial, 'Some of the targets failed.', 'See each with: borealisctl job show'),
  INTERNAL: entry(
    500,
    EXIT.failed,
    'Something went wrong inside Borealis.',
    'See: borealisctl log; please report it.',
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorOptionsOf {
  /** What exactly was wrong, a sentence; follows the table's sentence. */
  readonly detail?: string;
  /** Overrides the table's next step where a better one is known. */
  readonly next?: string;
  readonly cause?: unknown;
}

/** An error with a stable code, a sentence for a person and the next step. */
export class BorealisError extends Error {
  readonly code: ErrorCode;
  readonly detail: string | undefined;
  readonly next: string;

  constructor(code: ErrorCode, options: ErrorOptionsOf = {}) {
    const { message } = ERRORS[code];
    super(options.detail ? `${message} ${options.detail}` : message, { cause: options.cause });
    this.name = 'BorealisError';
    this.code = code;
    this.detail = options.detail;
    this.next = options.next ?? ERRORS[code].next;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }

  get exit(): number {
    return ERRORS[this.code].exit;
  }
}

export const isErrorCode = (code: unknown): code is ErrorCode =>
  typeof code === 'string' && Object.hasOwn(ERRORS, code);

/**
 * Whether a value names an error: ours, or one of Node, OpenSSL, SQLite, Fastify (EPIPE, CERT_HAS_EXPIRED). For loggers,
 * which censor every other `code`: no enrolment code has a form like these.
 */
export const namesError = (value: unknown): boolean =>
  isErrorCode(value) ||
  (typeof value === 'string' && /^(E[A-Z]{2,14}|[A-Z][A-Z0-9]{1,30}(_[A-Z0-9]{1,30})+)$/.test(value));
