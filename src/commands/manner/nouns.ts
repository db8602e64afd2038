/** The nouns in the order in which a newcomer meets them, for the overview. */

export interface NounGroup {
  readonly title: string;
  readonly nouns: Readonly<Record<string, string>>;
}

export const nounGroups: readonly NounGroup[] = [
  {
    title: 'BEGIN',
    nouns: {
      quickstart: 'Everything on this machine, step by step.',
      status: 'Engine, devices, approvals and warnings at a glance.',
      doctor: 'What is wrong here, and what to do about it.',
    },
  },
  {
    title: 'DEVICES',
    nouns: {
      code: 'Enrolment codes: links with which agents ask to be managed.',
      approval: 'Agents that wait for your approval.',
      device: 'The devices: list, show, tag, quarantine, revoke.',
      telemetry: 'What devices measure.',
      tunnel: 'WireGuard to devices that accept no connection; their ports, here.',
    },
  },
  {
    title: 'VPN',
    nouns: {
      vpn: 'WireGuard for people and sites, with the ordinary app.',
      connection: 'Who may use a VPN service, and what for.',
      ha: 'A VPN service on two devices: when one dies, its clients go on.',
    },
  },
  {
    title: 'WORK',
    nouns: {
      run: 'Run a command on devices, now.',
      shell: 'A shell on a device, in this terminal: leave it, come back, share it.',
      session: 'What shells showed, recorded: replay, search, export.',
      cp: 'Files and directories to or from a device: resumable, checked.',
      script: 'Scripts, stored and signed, run by name.',
      job: 'What was run, and what came of it.',
    },
  },
  {
    title: 'ENGINE',
    nouns: {
      daemon: 'Start and stop the engine.',
      service: 'Engine or agent as a service of this machine.',
      config: 'The settings of the engine.',
      user: 'Who may do what.',
      backup: 'Sealed copies of store and keys.',
      log: "The engine's log.",
      event: 'What happened, and what happens, as it happens.',
      audit: 'Every change, in a chain that shows tampering.',
    },
  },
  {
    title: 'SCREENS',
    nouns: {
      dashboard: 'The whole fleet in one full screen: watch it and work on it.',
      wallboard: 'Charts for a screen on a wall.',
    },
  },
  { title: 'SHELL', nouns: { completion: 'Completion for bash, zsh, fish and PowerShell.' } },
];
