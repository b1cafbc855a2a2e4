import { DBOS } from '@dbos-inc/dbos-sdk';
import { calculate, QUESTION, type Message } from '../common/messages.ts';
import { streamMessage } from '../common/model.ts';
import { serveRuns } from '../common/serve-runs.ts';

const { DATABASE_URL = '', MODEL_URL = '', NOTIFICATION_COALESCE_MS } = process.env;
const STREAM = 'tokens';

/** An agent as https://docs.dbos.dev/ai/streaming has it: each call of the model is a step, which writes its tokens to the run's stream. */
const agent = DBOS.registerWorkflow(
  async (model: string): Promise<string> => {
    const messages: Message[] = [QUESTION];
    for (;;) {
      const message = await DBOS.runStep(() => callModel(model, messages), { name: 'callModel' });
      messages.push(message);
      for (const call of message.tool_calls ?? []) {
        const result = await DBOS.runStep(() => Promise.resolve(calculate(call)), {
          name: 'calculator',
        });
        messages.push(result);
      }
      if (!message.tool_calls) {
        await DBOS.closeStream(STREAM);
        return message.content;
      }
    }
  },
  { name: 'agent' },
);

function callModel(model: string, messages: Message[]): Promise<Message> {
  const signal = DBOS.stepStatus?.cancelSignal;
  return streamMessage({ url: MODEL_URL, model, messages, signal }, (text) =>
    DBOS.writeStream(STREAM, text),
  );
}

DBOS.setConfig({
  name: 'peer-dbos',
  systemDatabaseUrl: DATABASE_URL,
  logLevel: 'error',
  ...(NOTIFICATION_COALESCE_MS && { notificationCoalesceMs: Number(NOTIFICATION_COALESCE_MS) }),
});
await DBOS.launch();
await serveRuns({
  async start(model) {
    const { workflowID } = await DBOS.startWorkflow(agent)(model);
    return workflowID;
  },
  async *read(runId, after) {
    let offset = after === null ? 0 : Number(after) + 1;
    for await (const text of DBOS.readStream<string>(runId, STREAM, { offset })) {
      yield { id: offset, data: text };
      offset += 1;
    }
  },
  cancel: (runId) => DBOS.cancelWorkflow(runId),
  async record(runId) {
    const found = await DBOS.getWorkflowStatus(runId);
    if (!found) throw new Error(`no workflow ${runId}`);
    const { status, output } = found;
    return { status, text: typeof output === 'string' ? output : await readAll(runId) };
  },
});

/** What an ended run has written, every attempt of a step after the other. */
async function readAll(runId: string): Promise<string> {
  let text = '';
  for await (const piece of DBOS.readStream<string>(runId, STREAM)) text += piece;
  return text;
}
