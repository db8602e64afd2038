/** The verbs of this agent. A further one is a further line. */
import { getMonitoringData } from './get-monitoring-data.ts';
import { getServiceStatus } from './get-service-status.ts';
import { getSystemHealth } from './get-system-health.ts';
import { runCommand } from './run-command.ts';
import { runScript } from './run-script.ts';
import type { Verb } from './verb.ts';

export const VERBS: readonly Verb[] = [
  runCommand,
  runScript,
  getSystemHealth,
  getServiceStatus,
  getMonitoringData,
];
