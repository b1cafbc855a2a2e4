/** `npm run demo`: kills a run in mid-sentence and cancels another, and shows that nothing of what was said is lost. No key is needed. */
import { randomBytes } from 'node:crypto';
import { openService, type DemoService } from './demo/open-service.ts';
import { proveCancel, proveSurvival, type Finding } from './demo/proof.ts';
import { createReader, inMidSentence, readRun } from './demo/read-run.ts';
import { createScreen, type Screen } from './demo/screen.ts';

const QUESTION = 'Please write a long text on durable execution.';
/** Characters that are on the screen at least when something happens to the run. */
const SHOWN_AT_KILL = 500;
const SHOWN_AT_CANCEL = 300;

const newConversation = () => `conv_${randomBytes(16).toString('hex')}`;

/** A run whose process is killed while it speaks. */
async function killedRun({ client, ...service }: DemoService, screen: Screen): Promise<Finding[]> {
  screen.say(`\n2. A run is started: "${QUESTION}"`);
  const body = { input: QUESTION, conversation_id: newConversation() };
  const { id: taskId, workflow } = await client.start(body);
  screen.say(`   ${taskId}; an operator sees it at\n   ${workflow.url}\n`);
  const reader = createReader();
  const until = () => inMidSentence(reader.transcript.text(), SHOWN_AT_KILL);
  await readRun(reader, { client, taskId, screen, until });
  const shown = reader.transcript.text();

  const pid = await service.kill();
  screen.say(`\n3. kill -9 ${pid}: API, worker and store are gone, in mid-sentence.`);
  await screen.during('the service starts again', service.start);
  screen.say(`   The reader comes back with its last id, ${reader.lastId}\n`);
  await readRun(reader, { client, taskId, screen });
  return proveSurvival(client, taskId, { reader, shown });
}

/** A run that is cancelled while it speaks. */
async function cancelledRun({ client }: DemoService, screen: Screen): Promise<Finding[]> {
  screen.say('\n4. A second run with the same question, to be cancelled in mid-sentence.\n');
  const body = { input: QUESTION, conversation_id: newConversation() };
  const { id: taskId } = await client.start(body);
  const reader = createReader();
  const until = () => inMidSentence(reader.transcript.text(), SHOWN_AT_CANCEL);
  await readRun(reader, { client, taskId, screen, until });
  const receipt = await client.cancel(taskId, { reason: 'the demonstration has seen enough' });
  await readRun(reader, { client, taskId, screen });
  screen.say('  ■ cancelled');
  return proveCancel(client, taskId, { reader, receipt });
}

function report(title: string, findings: Finding[], screen: Screen): void {
  screen.say(`\n${title}`);
  for (const { holds, text } of findings) screen.say(`  ${holds ? '✓' : '✗'} ${text}`);
}

/** Tells the story. True: everything was as it should be. */
async function demonstrate(resources: AsyncDisposableStack, screen: Screen): Promise<boolean> {
  const began = performance.now();
  screen.say('Holdfast runs AI agents that outlive the process that carries them.\n');
  screen.say('1. The service and its Temporal server are started, in a folder of their own.');
  const service = resources.use(await screen.during('Temporal is up', openService));
  await screen.during('API, worker and store are up: node main.ts', service.start);

  const survival = await killedRun(service, screen);
  const cancel = await cancelledRun(service, screen);
  report('What the killed run has shown', survival, screen);
  report('What the cancelled run has shown', cancel, screen);
  const holds = [...survival, ...cancel].every((finding) => finding.holds);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  screen.say(`\n${holds ? 'All of it holds.' : 'NOT all of it holds.'} It took ${seconds} s.`);
  return holds;
}

async function main(): Promise<void> {
  await using resources = new AsyncDisposableStack();
  const interrupt = () => {
    process.stdout.write('\nEnding what was started …\n');
    void resources.disposeAsync().finally(() => process.exit(130));
  };
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const holds = await demonstrate(resources, createScreen(process.stdout));
  process.exitCode = holds ? 0 : 1;
}

await main();
