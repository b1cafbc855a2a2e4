import {
  startEnvironment,
  type Environment,
  type FunctionOptions,
  type Invocation,
  type Outcome,
} from './environment.ts';

export interface InvocationRecord {
  environment: number;
  /** Start of its environment in milliseconds; null where there was one already. */
  initMs: number | null;
  outcome: Outcome;
}

/** A function as Lambda runs it: each invocation has an environment to itself, a frozen one where there is one. */
export interface LambdaFunction extends AsyncDisposable {
  invoke(event: unknown): Promise<Invocation>;
  /** Invocations that have ended, in the order of their ends. */
  readonly records: readonly InvocationRecord[];
  /** Invocations under way. */
  running(): number;
  /** What its environments have written. */
  output(): string;
}

export function createFunction(options: FunctionOptions): LambdaFunction {
  const environments: Environment[] = [];
  const idle: Environment[] = [];
  const used = new Set<Environment>();
  const records: InvocationRecord[] = [];
  const under = new Set<Promise<void>>();

  async function takeEnvironment(): Promise<Environment> {
    const frozen = idle.pop();
    if (frozen) return frozen;
    const environment = await startEnvironment(options);
    environments.push(environment);
    return environment;
  }

  return {
    records,
    running: () => under.size,
    output: () => environments.map((environment) => environment.output()).join(''),
    async invoke(event) {
      const environment = await takeEnvironment();
      const initMs = used.has(environment) ? null : environment.initMs;
      used.add(environment);
      const invocation = environment.invoke(event);
      const ending = invocation.ended.then((outcome) => {
        records.push({ environment: environments.indexOf(environment), initMs, outcome });
        if (outcome !== 'killed' && environment.alive()) idle.push(environment);
        under.delete(ending);
      });
      under.add(ending);
      return { response: invocation.response, ended: ending.then(() => invocation.ended) };
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(environments.map((environment) => environment[Symbol.asyncDispose]()));
      await Promise.all(under);
    },
  };
}
