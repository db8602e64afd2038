/** What `quickstart --json` tells, without what is the machine's: of that, which fields there are. */
type Document = Record<string, unknown>;

interface Told {
  readonly engine: unknown;
  readonly device: unknown;
  readonly inventory: unknown;
  readonly telemetry: unknown;
  readonly job: unknown;
  readonly tunnel: unknown;
  readonly shell: unknown;
  readonly steps: unknown;
}

export const toldByQuickstart = (told: unknown): Document => {
  const { engine, device, inventory, telemetry, job, tunnel, shell, steps, ...more } = told as Told;
  return {
    engine,
    device: fieldsOf(device),
    inventory: fieldsOf(inventory),
    telemetry: fieldsOf(telemetry),
    job: withoutOutput(job),
    tunnel: tunnel && fieldsOf(tunnel),
    shell: withoutOutput(shell),
    steps,
    ...more,
  };
};

const fieldsOf = (value: unknown): string[] => Object.keys(value as Document).sort();

const OUTPUT = new Set(['output', 'stdout', 'stderr', 'device', 'guid', 'context']);
const withoutOutput = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (key, item: unknown) => (OUTPUT.has(key) && item !== null ? `<${key}>` : item)),
  );
