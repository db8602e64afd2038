/** Enrolment, put together: the agents' three paths, the operators' operations, and the clock that ends requests. */
import { AGENT_PATHS, enrolComplete, enrolPoll, enrolRequest } from '../../protocol/enrolment.ts';
import type { Handlers } from '../capability.ts';
import { type AgentRoute, agentRoute } from '../listener/route.ts';
import { type ApprovalOperationName, approvalOperations } from './approval-operations.ts';
import { type CodeOperationName, codeOperations } from './code-operations.ts';
import type { EnrollmentDependencies } from './dependencies.ts';
import { Door } from './door.ts';
import { Expiry } from './expiry.ts';
import { Possession } from './possession.ts';
import { requestEnrolment } from './request.ts';

export type { EnrollmentDependencies } from './dependencies.ts';

export interface Enrollment {
  /** For the agents' listener. */
  readonly routes: readonly AgentRoute[];
  readonly operations: Handlers<CodeOperationName | ApprovalOperationName>;
  /** Ends requests that expired, each minute from now on. */
  start(): void;
  close(): void;
  /** One such round. */
  expire(): Promise<void>;
}

export const createEnrollment = (deps: EnrollmentDependencies): Enrollment => {
  const door = new Door(deps);
  const possession = new Possession(deps);
  const expiry = new Expiry(deps);

  const watched = async <T>(address: string, answer: Promise<T>): Promise<T> => {
    try {
      return await answer;
    } catch (error) {
      door.refused(address, error);
      throw error;
    }
  };

  const routes = [
    agentRoute({
      path: AGENT_PATHS.request,
      schema: enrolRequest,
      admit: ({ address }) => door.admitRequest(address),
      handle: (body, { address }) => {
        door.admitMachine(body.fingerprint);
        return watched(address, requestEnrolment(deps, body, address));
      },
    }),
    agentRoute({
      path: AGENT_PATHS.poll,
      schema: enrolPoll,
      admit: ({ address }) => door.admitPoll(address),
      handle: (body, { address }) => watched(address, possession.poll(body)),
    }),
    agentRoute({
      path: AGENT_PATHS.complete,
      schema: enrolComplete,
      admit: ({ address }) => door.admitPoll(address),
      handle: (body, request) => watched(request.address, possession.complete(body, request)),
    }),
  ];

  return {
    routes,
    operations: { ...codeOperations(deps), ...approvalOperations(deps) },
    start: () => expiry.start(),
    close: () => expiry.close(),
    expire: () => expiry.round(),
  };
};
