/** Who may do what in which project. One place for all operations: a handler that is forgotten has no way around it. */
import { BorealisError } from '../../protocol/errors.ts';
import { haOperations } from '../../protocol/ha.ts';
import type { Role } from '../../protocol/scalars.ts';
import { vpnOperations } from '../../protocol/vpn.ts';
import type { Call, Handlers } from '../capability.ts';
import { allowedInProject } from '../users/roles.ts';
import type { Services } from './services.ts';

const declared = { ...vpnOperations, ...haOperations };
type Name = keyof typeof declared;
type AnyHandler = (input: unknown, call: Call) => Promise<unknown>;

/** Errors of each: NOT_PERMITTED besides its own. */
export const inProjects = <H extends Partial<Handlers<Name>>>(
  services: Pick<Services, 'find'>,
  handlers: H,
): H => {
  const guarded = Object.entries(handlers).map(([name, handler]) => {
    const { role } = declared[name as Name];
    const checked: AnyHandler = async (input, call) => {
      const project = await projectOf(services, input as { vpn?: string; project?: string });
      if (project !== null) demand(call, project, role, name);
      return (handler as unknown as AnyHandler)(input, call);
    };
    return [name, checked];
  });
  return Object.fromEntries(guarded) as H;
};

/** Null where it is about no single one: a list, which shows what its caller may see. Errors: VPN_NOT_FOUND. */
const projectOf = async (
  services: Pick<Services, 'find'>,
  { vpn, project }: { vpn?: string; project?: string },
): Promise<string | null> => (vpn === undefined ? (project ?? null) : (await services.find(vpn)).project);

const demand = ({ caller }: Call, project: string, role: Role, action: string): void => {
  if (allowedInProject(caller, project, role)) return;
  throw new BorealisError('NOT_PERMITTED', {
    detail: `${action} needs the role ${role} in the project ${project}; ${caller.user} has it not.`,
    next: `Ask an admin to run: borealisctl user grant ${caller.user} ${role} --project ${project}`,
  });
};
