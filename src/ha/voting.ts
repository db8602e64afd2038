/** A voter's answers to what comes in over the wire, for nodes and for the witness alike. */
import type { Sent, VoteMessage } from './node.ts';
import type { Voter } from './voter.ts';

/** Null where there is nothing to say. */
export const answerTo = (voter: Voter, from: string, message: VoteMessage, now: number): Sent | null => {
  if (message.kind === 'release') {
    voter.release(from, message.question, now);
    return null;
  }
  if (message.kind !== 'ask') return null;
  const { question, firm } = message;
  const answer = firm ? voter.ask(from, question, now) : voter.wouldGrant(from, now);
  if (!answer) return null;
  const holder = answer.granted ? null : answer.holder;
  return { to: from, message: { kind: 'answer', question, firm, granted: answer.granted, holder } };
};
