import type { Frame } from '../../contract/frames.ts';
import type { Lanes } from './lanes.ts';

/** Shows a frame of a conversation's feed in the lane of its task. */
export function showFrame(who: string, frame: Frame, lanes: Lanes): void {
  if (frame.type === 'turn.delta') {
    if (frame.kind === 'text') lanes.speak(who, frame.text);
    return;
  }
  const note = noteOn(frame);
  if (note === null) lanes.endLine(who);
  else lanes.note(who, note);
}

/** Null: it is of no interest on the screen, or was shown before. */
function noteOn(frame: Frame): string | null {
  switch (frame.type) {
    case 'task.accepted':
      return frame.data.parent ? `○ is asked: ${JSON.stringify(frame.data.input)}` : null;
    case 'turn.reset':
      return `↺ attempt ${frame.attempt} speaks; the reader drops the one before`;
    case 'turn.tool_call':
      return `→ ${frame.data.name} ${JSON.stringify(frame.data.arguments)}`;
    case 'turn.tool_result':
      return frame.data.is_error ? `✗ ${JSON.stringify(frame.data.output)}` : null;
    case 'task.message':
      return `✉ from ${frame.data.from ?? 'somebody'}: ${frame.data.text}`;
    case 'task.custom':
      return `● emits ${frame.data.event_type} ${JSON.stringify(frame.data.payload)}`;
    case 'child.custom':
      return `← ${frame.data.name}: ${frame.data.event_type} ${JSON.stringify(frame.data.payload)}`;
    case 'child.completed':
      return `← ${frame.data.name}: completed`;
    case 'child.failed':
    case 'child.cancelled':
      return `← ${frame.data.name}: ${frame.data.failure.message}`;
    case 'task.completed':
      return '■ completed';
    case 'task.failed':
      return `■ ${frame.data.failure.message}`;
    default:
      return null;
  }
}
