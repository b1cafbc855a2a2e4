import { freshFetch } from './fresh-fetch.ts';

/** Values by name and labels, as in `holdfast_tasks_ended_total{outcome="completed"}`. */
export type Samples = Record<string, number>;

/** Reads the metrics of a process. Throws where the answer is not one of 200. */
export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Samples> {
  const response = await freshFetch(`${url}/metrics`, { headers });
  if (response.status !== 200) throw new Error(`${response.status}: ${await response.text()}`);
  return samplesOf(await response.text());
}

export function samplesOf(text: string): Samples {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
