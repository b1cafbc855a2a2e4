import { createRandom } from '../support/random.ts';

const WORDS = 'durable run step größer naïve 東京 🦆 token cursor wave “stop” reads—again'.split(
  ' ',
);

/** Numbers that are the same for the same seed. The seed is printed, so that a failure can be had again. */
export function seeded(seed: number) {
  const random = createRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  console.log(`seed ${seed}`);
  return {
    below,
    /** A text of `words` words, with characters of one to four bytes. */
    text: (words: number) =>
      Array.from({ length: words }, () => `${WORDS[below(WORDS.length)]} `).join(''),
  };
}
export type Seeded = ReturnType<typeof seeded>;

/** Milliseconds of today, unless `FAULT_SEED` names a seed. */
export function seedOfRun(): number {
  return Number(process.env.FAULT_SEED ?? Date.now() % 1_000_000);
}
