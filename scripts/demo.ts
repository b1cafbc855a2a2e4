/**
 * `npm run demo`: a run is killed in mid-sentence and another cancelled. `npm run demo -- family`: an agent leads three others.
 * Both show that nothing of what was said is lost, and end with 1 where that does not hold. No key is needed.
 */
import { tellFamily } from './demo/family-story.ts';
import { openService } from './demo/open-service.ts';
import { createScreen, type Screen } from './demo/screen.ts';
import type { Chapter, Story } from './demo/story.ts';
import { tellSurvival } from './demo/survival-story.ts';

const STORIES: Record<string, Story> = { survival: tellSurvival, family: tellFamily };

function report({ title, findings }: Chapter, screen: Screen): void {
  screen.say(`\n${title}`);
  for (const { holds, text } of findings) screen.say(`  ${holds ? '✓' : '✗'} ${text}`);
}

/** True: everything was as it should be. */
async function demonstrate(
  story: Story,
  resources: AsyncDisposableStack,
  screen: Screen,
): Promise<boolean> {
  const began = performance.now();
  screen.say('Holdfast runs AI agents that outlive the process that carries them.\n');
  screen.say('1. The service and its Temporal server are started, in a folder of their own.');
  const service = resources.use(await screen.during('Temporal is up', openService));
  await screen.during('API, worker and store are up: node main.ts', service.start);

  const chapters = await story(service, screen);
  for (const chapter of chapters) report(chapter, screen);
  const holds = chapters.every(({ findings }) => findings.every((finding) => finding.holds));
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  screen.say(`\n${holds ? 'All of it holds.' : 'NOT all of it holds.'} It took ${seconds} s.`);
  return holds;
}

async function main([name = 'survival']: string[]): Promise<void> {
  const story = STORIES[name];
  if (!story) {
    const names = Object.keys(STORIES).join(', ');
    process.stderr.write(`There is no demonstration named ${name}. There are: ${names}.\n`);
    process.exitCode = 1;
    return;
  }
  await using resources = new AsyncDisposableStack();
  const interrupt = () => {
    process.stdout.write('\nEnding what was started …\n');
    void resources.disposeAsync().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const holds = await demonstrate(story, resources, createScreen(process.stdout));
  process.exitCode = holds ? 0 : 1;
}

await main(process.argv.slice(2));
