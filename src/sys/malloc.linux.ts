/** mallopt(3) and malloc_trim(3): where the C library puts large buffers, and when it lets go of freed memory. */
import { libc } from './libc.linux.ts';

const M_MMAP_THRESHOLD = -3;
const M_MMAP_MAX = -4;
/** The kernel allows a process 65,530 mappings (vm.max_map_count), and V8 needs some of them. */
const MOST_MAPPINGS = 32_768;

type Mallopt = (parameter: number, value: number) => number;

/**
 * Buffers of so many bytes and more get pages of their own: fresh ones, of which only those that are written to take
 * memory, and which go back to the kernel when the buffer is freed. False where the C library cannot (musl does so anyway).
 */
export const mapBuffersFrom = (bytes: number): boolean => {
  try {
    const mallopt = libc().function<Mallopt>('int mallopt(int parameter, int value)');
    return mallopt(M_MMAP_MAX, MOST_MAPPINGS) === 1 && mallopt(M_MMAP_THRESHOLD, bytes) === 1;
  } catch {
    return false; // nothing depends on it but how much memory is in use
  }
};

type MallocTrim = (keep: number) => number;

/** Whole pages within what was freed go back to the kernel. Takes milliseconds; nothing happens on musl. */
export const trimHeap = (): void => {
  try {
    libc().function<MallocTrim>('int malloc_trim(size_t keep)')(0);
  } catch {
    // Nothing depends on it but how much memory is in use.
  }
};
