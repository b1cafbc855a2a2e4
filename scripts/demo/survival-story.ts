import type { DemoService } from './open-service.ts';
import { proveCancel, proveSurvival, type Finding } from './proof.ts';
import { createReader, inMidSentence, readRun } from './read-run.ts';
import type { Screen } from './screen.ts';
import { newConversation, type Chapter } from './story.ts';

const QUESTION = 'Please write a long text on durable execution.';
/** Characters that are on the screen at least when something happens to the run. */
const SHOWN_AT_KILL = 500;
const SHOWN_AT_CANCEL = 300;

/** `npm run demo`: kills a run in mid-sentence and cancels another, and shows that nothing of what was said is lost. */
export async function tellSurvival(service: DemoService, screen: Screen): Promise<Chapter[]> {
  const survival = await killedRun(service, screen);
  const cancel = await cancelledRun(service, screen);
  return [
    { title: 'What the killed run has shown', findings: survival },
    { title: 'What the cancelled run has shown', findings: cancel },
  ];
}

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
