import { homedir } from 'node:os';
import { describe, expect, test } from 'vitest';
import { checkSocketPath, socketAddress } from '../../src/sys/socket-address.ts';
import { agentStateDirectory, engineSocketPath, engineStateDirectory } from '../../src/sys/state-paths.ts';

describe('state', () => {
  test.each([
    [{}, 0, '/var/lib/borealis', '/var/lib/borealis-agent'],
    [{ HOME: '/root', XDG_STATE_HOME: '/x' }, 0, '/var/lib/borealis', '/var/lib/borealis-agent'],
    [{ HOME: '/people/a' }, 1000, '/people/a/.local/state/borealis', '/people/a/.local/state/borealis-agent'],
    [{ HOME: '/people/a', XDG_STATE_HOME: '/x' }, 1000, '/x/borealis', '/x/borealis-agent'],
    [
      { HOME: '/people/a', XDG_STATE_HOME: 'relative' },
      1000,
      '/people/a/.local/state/borealis',
      '/people/a/.local/state/borealis-agent',
    ],
    [{}, 1000, `${homedir()}/.local/state/borealis`, `${homedir()}/.local/state/borealis-agent`],
  ])('with %j as %d is in %s', (env, uid, engine, agent) => {
    expect(engineStateDirectory(env, uid)).toBe(engine);
    expect(agentStateDirectory(env, uid)).toBe(agent);
  });
});

describe('the socket', () => {
  test('is in run below the state directory', () => {
    expect(engineSocketPath('/var/lib/borealis')).toBe('/var/lib/borealis/run/borealisd.sock');
  });

  test('has a path that the kernel takes, counted in bytes', () => {
    const longest = `/${'x'.repeat(106)}`;
    expect(checkSocketPath(longest)).toBe(longest);
    expect(() => checkSocketPath(`${longest}x`)).toThrow(expect.objectContaining({ code: 'PATH_TOO_LONG' }));
    expect(() => engineSocketPath(`/${'ä'.repeat(50)}`)).toThrow(
      expect.objectContaining({ code: 'PATH_TOO_LONG', message: expect.stringContaining('107') }),
    );
  });

  test('has its address as the kernel lays it out', () => {
    expect(socketAddress('/a')).toEqual(Buffer.from('\x01\x00/a\0', 'latin1'));
    expect(socketAddress('@a')).toEqual(Buffer.from('\x01\x00\0a', 'latin1'));
  });
});
