import { parseArgs } from 'node:util';
import { openEnvironment } from './environment.ts';
import type { Measurement } from './measure.ts';
import { measureApart } from './measure-apart.ts';
import { formatFigure, formatTable, mediansOf, writeResults } from './results.ts';
import type { Size } from './scenario.ts';
import { isScenarioName, SCENARIO_NAMES, SCENARIOS, type ScenarioName } from './scenarios/index.ts';
import { isSystemName, SYSTEM_NAMES, type SystemName } from './systems/index.ts';

const USAGE = `npm run bench -- <scenario> [--systems a,b] [--repeat n] [size]

scenarios  ${SCENARIO_NAMES.join(', ')}
systems    ${SYSTEM_NAMES.join(', ')}
size       --runs --readers --steps --tokens --interval-ms --token-length
`;

const number = { type: 'string' } as const;
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    systems: { type: 'string', default: 'holdfast' },
    repeat: { type: 'string', default: '1' },
    postgres: { type: 'string', default: 'postgres://postgres@127.0.0.1:5432/postgres' },
    redis: { type: 'string', default: 'redis://127.0.0.1:6379' },
    temporal: { type: 'string' },
    runs: number,
    readers: number,
    steps: number,
    tokens: number,
    'interval-ms': number,
    'token-length': number,
  },
});

interface Plan {
  scenario: ScenarioName;
  systems: SystemName[];
  repeat: number;
  size: Size;
}

function readPlan(): Plan {
  const [scenario = ''] = positionals;
  const systems = values.systems.split(',');
  if (!isScenarioName(scenario) || !systems.every(isSystemName)) {
    console.error(USAGE);
    process.exit(1);
  }
  const given = {
    runs: values.runs,
    readers: values.readers,
    steps: values.steps,
    tokens: values.tokens,
    intervalMs: values['interval-ms'],
    tokenLength: values['token-length'],
  };
  const size = Object.fromEntries(
    Object.entries(given).flatMap(([name, text]) => (text ? [[name, Number(text)]] : [])),
  );
  return { scenario, systems, repeat: Number(values.repeat), size };
}

/** The systems take turns, so that what the machine does meanwhile meets all of them. */
async function measureAll({ scenario, systems, repeat, size }: Plan) {
  await using opened = await openEnvironment({
    postgresUrl: values.postgres,
    redisUrl: values.redis,
    temporalAddress: values.temporal,
  });
  const { environment } = opened;
  const measured = Object.fromEntries(systems.map((system) => [system, [] as Measurement[]]));
  for (let round = 0; round < repeat; round += 1) {
    for (const system of systems) {
      console.error(`${scenario} of ${system}, ${round + 1} of ${repeat}`);
      measured[system]?.push(await measureApart({ scenario, system, environment, size }));
    }
  }
  return measured;
}

function print({ scenario, systems }: Plan, measured: Record<string, Measurement[]>): void {
  const medians = systems.map((system) => mediansOf(measured[system] ?? []));
  const names = new Set(medians.flatMap((figures) => Object.keys(figures)));
  const late = systems.map((system) =>
    formatFigure(Math.max(...(measured[system] ?? []).flatMap(({ late }) => Object.values(late)))),
  );
  console.log(`\n${SCENARIOS[scenario].title}\n`);
  console.log(
    formatTable([
      ['', ...systems],
      ...[...names].map((name) => [name, ...medians.map((figures) => formatFigure(figures[name]))]),
      ['generators late p99 ms', ...late],
    ]),
  );
}

const plan = readPlan();
const measured = await measureAll(plan);
print(plan, measured);
console.log(`\n${await writeResults(plan.scenario, { plan, measured })}`);
process.exit();
