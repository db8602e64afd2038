import { expect, test } from 'vitest';
import { withSystemFolders } from '../../src/sys/system-folders.ts';

test.each([
  ['/usr/local/bin:/usr/bin:/bin', '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin'],
  ['/sbin:/bin:/usr/sbin:/usr/local/sbin', '/sbin:/bin:/usr/sbin:/usr/local/sbin'],
  [undefined, undefined],
])('%s becomes %s', (path, expected) => expect(withSystemFolders(path)).toBe(expected));
