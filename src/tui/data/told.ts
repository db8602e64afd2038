/** What went wrong, as it is told: code, sentence, next step. */

export interface Told {
  readonly code: string;
  readonly message: string;
  readonly next: string;
}

/** Errors of the client carry all three; whatever else is thrown is a fault of ours. */
export const asTold = (thrown: unknown): Told => {
  const { code, message, next } = (thrown ?? {}) as Partial<Told>;
  if (typeof code === 'string' && typeof message === 'string' && typeof next === 'string')
    return { code, message, next };
  return {
    code: 'INTERNAL',
    message: thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown),
    next: 'Please report it.',
  };
};

/** The engine cannot be reached, rather than that it said no. */
export const isAway = (thrown: unknown): boolean => {
  const { code } = (thrown ?? {}) as Partial<Told>;
  return code === 'ENGINE_UNREACHABLE' || code === 'ENGINE_STARTING' || code === 'TIMED_OUT';
};
