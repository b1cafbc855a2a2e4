import { cutText } from '../../contract/text.ts';
import type { Errand, ToolResult } from './demo-errand.ts';
import { carriesOutOrders } from './demo-orders.ts';

const INTRODUCTION =
  "I am Holdfast's built-in demo model, not a real language model: I follow a few fixed rules.";

const ADVICE =
  'Ask me for a sum, the time in a zone such as Europe/Berlin, or what stands at a URL, and I will use a tool; ask for a ' +
  'long text, and there is time to drop the connection, to come back, or to cancel. For real answers set MODEL to a ' +
  'provider and a model, with its API key.';

const ASKS_FOR_LENGTH =
  /\b(long|essay|story|article|paragraphs|in detail|detailed|at length|[1-9]\d{2,} words)\b/i;

const MAX_QUOTE = 200;
const MAX_EXCERPT = 400;

/** The demo model's answer, from the question, what its tools returned, and what it was told of other tasks. */
export function demoAnswer({ question, made, results, news }: Errand): string {
  const found = results.map(sentenceFor).filter((sentence) => sentence !== '');
  const said = [INTRODUCTION, ...found, ...news.map(excerptOf)];
  const isLead = made.some(carriesOutOrders);
  if (!isLead && ASKS_FOR_LENGTH.test(question)) return [...said, ...ESSAY].join('\n\n');
  if (said.length > 1) return said.join('\n\n');
  if (isLead) return `${INTRODUCTION} I have done what you told me to.`;
  return `${INTRODUCTION} You wrote: "${cutText(question.trim(), MAX_QUOTE)}".\n\n${ADVICE}`;
}

/** One piece of news on one line, without ids, and without what every answer of this model begins with. */
function excerptOf(news: string): string {
  const text = news.replace(/task task_\S+ \((".*?")\)/, 'task $1').replaceAll(INTRODUCTION, '');
  return cutText(text.replace(/\s+/g, ' '), MAX_EXCERPT);
}

/** What a tool has returned, in a sentence; nothing where it is of interest to nobody but the one who called. */
export function sentenceFor({ name, output, isError }: ToolResult): string {
  const raw = cutText(output, MAX_EXCERPT);
  if (isError) return `The ${name} tool failed: ${raw}`;
  if (name === 'report_progress' || carriesOutOrders({ name })) return '';
  const value = parse(output);
  if (!value) return `The ${name} tool returned: ${raw}`;
  switch (name) {
    case 'calculator':
      return `The calculator says: ${value.expression} = ${value.result}.`;
    case 'current_time':
      return `It is ${value.weekday}, ${value.time} (${value.time_zone}).`;
    case 'http_get':
      return `${value.url} answered with status ${value.status}. It begins: ${cutText(String(value.text), MAX_EXCERPT)}`;
    default:
      return `The ${name} tool returned: ${raw}`;
  }
}

/** Null where the output is no JSON object: it may have been cut. */
function parse(output: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(output);
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null;
  } catch {
    return null;
  }
}

const ESSAY = [
  'Here is a longer text, on durable execution.',
  'A program is usually as mortal as the process that runs it. When the machine restarts, the variables, the call stack and the place in the code are gone, and whatever the program was in the middle of stays half done. For a request that takes fifty milliseconds this hardly matters, because the caller simply tries again. For work that takes minutes or days, that calls paid services and that people watch while it happens, trying again from the start is expensive, slow, and sometimes wrong.',
  'Durable execution turns this around. The program is written as if it could not fail, and a platform makes that true. Every step with an effect on the world, such as a call to a model, a payment or a message, is recorded together with its result. When the process dies, another one takes the program, feeds it the recorded results in their order, and arrives at exactly the state in which the first one stopped. From there it goes on. The code between the steps must be deterministic, for otherwise it would take another path through the same history; that is the price, and it is a small one.',
  'Agents are a good example. A run of an agent is a loop: ask the model, carry out the tools that it asked for, ask again with their results. Each turn costs money and seconds, and the whole may take an hour. If it lives in the memory of a web server, a deployment ends it, and so does a closed laptop when the run hangs on the connection that began it. If it lives in a workflow, neither does. The loop waits out a provider that is overloaded, survives the loss of a worker, and can be looked at step by step afterwards, since its history is the very thing that makes it durable.',
  'What remains is the matter of watching. People want to see the words as they appear, not a minute later, yet a token is far too small a thing to be written to a history. So the two are kept apart. The words travel on a fast path that may lose them, while the text so far is reported every moment on a slow path that does not. A reader who was away for a while says how far he has read, down to the character, and receives what is missing. Nothing is said twice, and nothing is left out.',
  'Stopping deserves the same care as starting. When somebody cancels a run, the model should fall silent at once, because every further word is paid for and read by nobody. But what it had already said should not be thrown away: it was shown, and a person may have begun to act on it. So the part that was spoken is kept, marked as unfinished, and the record says who asked for the end, and when it came.',
  'None of this makes programs cleverer. It makes them dependable, which is less exciting and more useful. A good foundation is one that nobody thinks about while the house is being built, and that is still there after the storm.',
];
