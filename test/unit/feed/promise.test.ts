import { describe, expect, it } from 'vitest';
import { spokenLength } from '../../../contract/text.ts';
import { createRandom } from '../../support/random.ts';
import { createRandomProcess, type RandomProcess } from './random-process.ts';
import { createRandomReader, type RandomReader } from './random-reader.ts';
import { createDice, createRandomRun, type RandomRun } from './random-run.ts';

const SEEDS = 600;
const MOST_MOVES = 20_000;

/** One run, seen through two processes by four readers, to its end. */
async function play(seed: number) {
  const dice = createDice(createRandom(seed));
  const run = createRandomRun(dice);
  const processes = [createRandomProcess(run, dice), createRandomProcess(run, dice)];
  const readers = Array.from({ length: 4 }, () => createRandomReader(run, processes, dice));
  const tellAll = () => {
    for (const one of processes) one.catchUp();
    for (const reader of readers) reader.readAll();
  };
  for (let moves = 0; !run.hasEnded(); moves += 1) {
    if (moves > MOST_MOVES) throw new Error('the run does not end');
    const luck = dice();
    if (luck < 0.3) publish(run, processes);
    else if (luck < 0.7) dice.one(processes).hear();
    else if (luck < 0.99) await dice.one(readers).read();
    else {
      run.beat();
      tellAll();
      for (const reader of readers) expectAllThatIsKnown(run, reader);
    }
  }
  tellAll();
  return { run, readers };
}

function publish(run: RandomRun, processes: readonly RandomProcess[]): void {
  for (const message of run.goOn()) for (const one of processes) one.send(message);
}

/** Once the sources have told everything, a reader has every entry, and no less than the heartbeat carries. */
function expectAllThatIsKnown(run: RandomRun, { held }: RandomReader): void {
  expect(held.seq).toBe(run.log.length);
  const partial = run.heartbeat();
  if (!partial || partial.blocks.length === 0) return;
  const shown = held.screen.steps.get(partial.step);
  expect(shown?.attempt).toBe(partial.attempt);
  expect(spokenLength(shown?.blocks ?? [])).toBeGreaterThanOrEqual(spokenLength(partial.blocks));
}

describe('whatever is lost, late, doubled or out of order', () => {
  it(`keeps the promise to readers that are cut off and come back, in ${SEEDS} random runs`, async () => {
    for (let seed = 1; seed <= SEEDS; seed += 1) {
      try {
        const { run, readers } = await play(seed);
        for (const { held } of readers) expect(held.seq).toBe(run.log.length);
      } catch (error) {
        throw new Error(`seed ${seed}`, { cause: error });
      }
    }
  });
});
