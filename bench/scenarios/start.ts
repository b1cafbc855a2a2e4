import { createLatencies } from '../latencies.ts';
import { observeRun } from '../observe-run.ts';
import { newSpec, type Scenario } from '../scenario.ts';
import { firstTextBeyondModel } from './delta.ts';

/** Short runs, one after another: from the call that starts one to its first text at the reader. */
export const start: Scenario = {
  title: 'Start to first text, runs one after another',
  grows: { size: 'runs', from: 25 },
  async measure({ system, model, size }) {
    const whole = createLatencies();
    const beyondModel = createLatencies();
    for (let count = 0; count < (size.runs ?? 50); count += 1) {
      const spec = newSpec(size, { tokens: 3 });
      const run = await observeRun(system, spec);
      whole.add(run.firstTextAt - run.startedAt);
      beyondModel.add(firstTextBeyondModel(run, await model.calls(spec.key)));
    }
    return {
      beyondModelP50Ms: beyondModel.percentile(50),
      beyondModelP95Ms: beyondModel.percentile(95),
      firstTextP50Ms: whole.percentile(50),
      firstTextP95Ms: whole.percentile(95),
    };
  },
};
