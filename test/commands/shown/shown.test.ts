/** Small decisions of how things are shown and read. */
import { describe, expect, test } from 'vitest';
import { listLines } from '../../../src/commands/manner/list.ts';
import { Output } from '../../../src/commands/manner/output.ts';
import { width } from '../../../src/commands/manner/text.ts';
import { approvalList } from '../../../src/commands/shown/approval.ts';
import { readTypes } from '../../../src/commands/shown/event.ts';
import { haList } from '../../../src/commands/shown/ha.ts';
import { exitOf } from '../../../src/commands/shown/job-verdict.ts';
import { languageOf, nameOf, textOf } from '../../../src/commands/shown/script.ts';
import { sessionList } from '../../../src/commands/shown/session.ts';
import { attachCommand } from '../../../src/commands/shown/shell.ts';
import { sparkline } from '../../../src/commands/shown/telemetry.ts';
import { tunnelList } from '../../../src/commands/shown/tunnel.ts';
import { connectionList, vpnList } from '../../../src/commands/shown/vpn.ts';
import type { Approval } from '../../../src/protocol/approval.ts';
import { eventType } from '../../../src/protocol/event.ts';
import type { HaPair } from '../../../src/protocol/ha.ts';
import type { Job } from '../../../src/protocol/job.ts';
import type { Recording } from '../../../src/protocol/shell.ts';
import type { Tunnel } from '../../../src/protocol/tunnel.ts';
import type { Connection, VpnService } from '../../../src/protocol/vpn.ts';

describe('the exit code of a job', () => {
  test.each<[Job['counts'], number]>([
    [{ succeeded: 3 }, 0],
    [{ succeeded: 2, failed: 1 }, 8],
    [{ succeeded: 1, expired: 1 }, 8],
    [{ failed: 2 }, 1],
    [{ failed: 1, timed_out: 1 }, 1],
    [{ timed_out: 1 }, 6],
    [{ timed_out: 1, expired: 2 }, 6],
    [{ cancelled: 1 }, 1],
  ])('%j: %i', (counts, exit) => expect(exitOf(counts)).toBe(exit));
});

describe('the language of a script', () => {
  test.each([
    ['a.sh', '', 'shell'],
    ['a.PY', '', 'python'],
    ['a.mjs', '', 'node'],
    ['a.ps1', '', 'powershell'],
    ['a', '#!/bin/bash -e\n', 'shell'],
    ['a', '#! /bin/dash\n', 'shell'],
    ['a', '#!/usr/bin/env python3\n', 'python'],
    ['a', '#!/usr/bin/env -S LANG=C python3.11 -u\n', 'python'],
    ['-', '#!/usr/bin/nodejs\n', 'node'],
    ['a.txt', '#!/usr/bin/pwsh', 'powershell'],
  ])('%s %j: %s', (file, body, language) => expect(languageOf(file, body)).toBe(language));

  test.each(['', 'echo\n', '#!/usr/bin/perl\n', '#!\n', 'x #!/bin/sh\n'])('%j tells none', (body) =>
    expect(() => languageOf('a', body)).toThrow(/language/),
  );
});

describe('80 columns hold', () => {
  const out = (terminalWidth: number): Output => {
    const streams = { color: { stdout: false, stderr: false }, progress: false, canAsk: false };
    return new Output({
      json: false,
      quiet: false,
      terminal: { width: terminalWidth, height: 24, interactive: true, ...streams },
    });
  };
  const ago = (seconds: number): string => new Date(Date.now() - seconds * 1_000).toISOString();
  const recording = {
    ...{ id: 'grhdvwg3m4yl', device: 'web-server-in-the-cellar', user: 'deployment', state: 'recording' },
    ...{ exit_code: null, duration_seconds: 411, bytes: 1_234, started_by: 'administrator' },
    started_at: ago(1_260),
  } as Recording;
  const connection = {
    ...{ name: 'ada-laptop', status: 'connected', address: '10.98.0.2', last_handshake: ago(75) },
    ...{ rx_bytes: 12_345_678, tx_bytes: 123_456_789, endpoint: '[2001:db8::1234]:51820', site_subnets: [] },
    ...{ allow: ['192.168.5.0/24:443/tcp'], expires_at: ago(-86_400 * 30) },
  } as unknown as Connection;

  test('recorded sessions', () => {
    for (const line of listLines(out(80), [recording], sessionList(out(80))))
      expect(width(line)).toBeLessThanOrEqual(80);
  });
  test('60 do for requests that are decided', () => {
    const approval = {
      ...{ id: '9974c5ffc7a2021b', state: 'completed', device: 'web-server-in-the-cellar', hostname: 'web' },
      ...{ context: 'system', address: '192.0.2.7', key_fingerprint: 'a7'.repeat(32), conflict: null },
      requested_at: ago(5_000),
    } as unknown as Approval;
    const lines = listLines(out(60), [approval], approvalList(out(60), true));
    for (const line of lines) expect(width(line)).toBeLessThanOrEqual(60);
    expect(lines[0]).toMatch(/^ID +STATE +DEVICE +HOST NAME +ASKED$/);
  });
  test('connections', () => {
    for (const line of listLines(out(80), [connection], connectionList(out(80), 'office')))
      expect(width(line)).toBeLessThanOrEqual(80);
    expect(listLines(out(200), [connection], connectionList(out(200), 'office'))[0]).toContain('ENDPOINT');
  });
  test('names and addresses are whole, what can be spared is left out', () => {
    const vpn = {
      ...{ name: 'headquarters', phase: 'active', endpoint: 'vpn.headquarters.example:51820' },
      ...{ pool: '10.98.0.0/16', local_subnets: ['192.168.0.0/16'], connections: 120 },
      ...{ project: 'north', node: 'bastion-frankfurt-1' },
    } as unknown as VpnService;
    const [titles, row] = listLines(out(80), [vpn], vpnList());
    expect(titles).toMatch(/^NAME +PHASE +ENDPOINT +POOL +CONNECTIONS$/);
    expect(row).toContain('vpn.headquarters.example:51820  10.98.0.0/16');
    const pair = {
      ...{ vpn: 'office', state: 'degraded', address: '203.0.113.10/24', project: 'north' },
      ...{ holder: 'bastion-fra-1', primary: 'bastion-fra-1', standby: 'bastion-ams-2', last_switch: null },
    } as unknown as HaPair;
    expect(listLines(out(80), [pair], haList(out(80)))[1]).toMatch(
      /203\.0\.113\.10\/24 +bastion-fra-1 +bastion-fra-1 +bastion-ams-2$/,
    );
    const tunnel = {
      ...{ device: 'web-server-in-the-cellar', state: 'connecting', virtual_ip: '10.255.123.234' },
      ...{ transport: 'relay', allowed_ports: ['22/tcp', '443/tcp', '8443/tcp', '3389/tcp', '5900/tcp'] },
      ...{ operators: ['ada', 'grace'], idle_left: 840, last_handshake: ago(75) },
    } as unknown as Tunnel;
    const [, shown = ''] = listLines(out(80), [tunnel], tunnelList(out(80)));
    expect(shown).toMatch(/^web-server-in-the-cellar +connecting +10\.255\.123\.234 +relay +22\/tcp/);
    expect(width(shown)).toBeLessThanOrEqual(80);
  });
});

test('what is to be copied into a shell is quoted for it: a machine may call itself anything', () => {
  expect(attachCommand({ device: 'x $(reboot)', id: 'k3jd' })).toBe(
    "borealisctl shell 'x $(reboot)' --attach k3jd",
  );
});

test('the name of a script is that of its file', () => {
  expect(['/x/y.sh', 'report.v2.py', 'clean-up', 'notes.txt'].map(nameOf)).toEqual([
    'y',
    'report.v2',
    'clean-up',
    'notes.txt',
  ]);
  expect(() => nameOf('-')).toThrow(/no name/);
});

test('a script is text, to the last byte as it was', () => {
  const text = '\ufeffecho ü\r\n';
  expect(textOf('x', Buffer.from(text))).toBe(text);
  expect(() => textOf('x', Buffer.from([0xc3, 0x28]))).toThrow(/not text/);
});

describe('a line as a chart', () => {
  const at = (points: readonly (readonly [number, number])[], most = 100): string =>
    sparkline(
      points.map(([at, value]) => ({ at, value })),
      { since: 0, until: 80, cells: 8, most },
    );
  test('as high as the average of its part, blank where nothing was measured', () => {
    expect(
      at([
        [0, 0],
        [15, 30],
        [16, 20],
        [79, 100],
        [80, 100],
      ]),
    ).toBe('▁▃     █');
  });
  test('nothing above the top, nothing below the bottom, nothing divided by nothing', () => {
    expect(
      at([
        [0, 500],
        [75, -1],
      ]),
    ).toBe('█      ▁');
    expect(at([[0, 0]], 0)).toBe('▁       ');
    expect(at([])).toBe('        ');
  });
});

test('a noun stands for all types of its events; every type of the protocol can be named', () => {
  expect(readTypes(['script', 'engine.started'])).toEqual(['script.changed', 'engine.started']);
  expect(readTypes(eventType.options)).toEqual(eventType.options);
  expect(() => readTypes(['devise'])).toThrow('devise');
});
