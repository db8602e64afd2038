/** `approval.*`: the queue of agents that ask to be enrolled. */
import type { Approval } from '../../protocol/approval.ts';
import type { Handlers } from '../capability.ts';
import { approvalsInContext, presentApprovals, resolveApproval } from './approvals.ts';
import { approveRequest, demandWaiting } from './approve.ts';
import type { EnrollmentDependencies } from './dependencies.ts';

export type ApprovalOperationName = 'approval.list' | 'approval.show' | 'approval.approve' | 'approval.deny';

/** Decided requests shown by `--all`, newest first. */
const MOST_SHOWN = 1_000;

export const approvalOperations = (deps: EnrollmentDependencies): Handlers<ApprovalOperationName> => {
  const { store, clock, events } = deps;
  const show = async (ref: string): Promise<Approval> => {
    const row = await resolveApproval(store.read, ref);
    const [approval] = await presentApprovals(store.read, [row], clock.now());
    return approval!;
  };

  return {
    'approval.list': async ({ all }) => {
      const now = clock.now();
      const requests = approvalsInContext(store.read);
      const rows = all
        ? await requests.orderBy('approval.requested_at', 'desc').limit(MOST_SHOWN).execute()
        : await requests
            .where('approval.state', '=', 'waiting')
            .where('approval.expires_at', '>', now)
            .orderBy('approval.requested_at')
            .execute();
      return presentApprovals(store.read, rows, now);
    },

    'approval.show': ({ approval }) => show(approval),

    'approval.approve': async ({ approval, ...choice }, call) => {
      const id = await store.write(async (tx) => {
        const { site: _site, device_name: _name, ...request } = await resolveApproval(tx.db, approval);
        const decided = await approveRequest(tx, deps, request, choice, call.caller.user);
        const { guid, name, resolution } = decided;
        const detail = { hostname: request.hostname, guid, name, resolution, ...choice };
        await call.audit(tx, { target: request.id, detail });
        return request.id;
      });
      return show(id);
    },

    'approval.deny': async ({ approval, reason }, call) => {
      const by = call.caller.user;
      const id = await store.write(async (tx) => {
        const request = await resolveApproval(tx.db, approval);
        const now = clock.now();
        demandWaiting(request, now);
        await tx.db
          .updateTable('approval')
          .set({ state: 'denied', decided_at: now, decided_by: by, reason: reason ?? null })
          .where('id', '=', request.id)
          .execute();
        const detail = { hostname: request.hostname, ...(reason !== undefined && { reason }) };
        await call.audit(tx, { target: request.id, detail });
        await events.record(tx, {
          type: 'approval.denied',
          message: `${by} denied ${request.hostname}`,
          data: { id: request.id, ...detail },
        });
        return request.id;
      });
      return show(id);
    },
  };
};
