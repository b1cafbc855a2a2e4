import {
  all,
  create,
  isConstantNode,
  isOperatorNode,
  isSymbolNode,
  type MathNode,
} from 'mathjs/number';
import { z } from 'zod';
import { defineTool } from '../tool.ts';

const MAX_EXPRESSION_LENGTH = 500;

const FUNCTIONS = new Set(
  'abs sqrt cbrt nthRoot exp log log2 log10 mod round floor ceil fix sign min max sum mean median gcd lcm factorial hypot sin cos tan asin acos atan atan2 sinh cosh tanh'.split(
    ' ',
  ),
);
const OPERATORS = new Set(
  'add subtract multiply divide pow mod percentage unaryMinus unaryPlus factorial'.split(' '),
);
const CONSTANTS = new Set(['pi', 'e', 'tau', 'phi']);

/** Plain floating point numbers: no matrices, big numbers or units, so that one operation takes constant time. */
const math = create(all ?? {}, { predictable: true });

/**
 * Evaluates an arithmetic expression. What may stand in it is a list of what is known to be quick and free of effects:
 * no assignments, ranges, matrices, strings, or functions that reach the parser.
 * Throws an `Error` that says what is wrong with the expression.
 */
export function calculate(expression: string): number {
  if (expression.length > MAX_EXPRESSION_LENGTH) {
    throw new Error(`The expression is longer than ${MAX_EXPRESSION_LENGTH} characters.`);
  }
  const tree = math.parse(expression);
  tree.traverse(assertAllowed);
  const value: unknown = tree.evaluate();
  if (typeof value !== 'number') throw new Error('The expression does not give a number.');
  if (Number.isNaN(value)) throw new Error('The expression has no real value.');
  if (!Number.isFinite(value)) {
    throw new Error('The result is infinite or too large: division by zero or overflow.');
  }
  return value;
}

export const calculator = defineTool({
  name: 'calculator',
  description:
    'Evaluates an arithmetic expression such as "(3 + 4) * 2^10 / sqrt(7)". Knows + - * / ^ % !, parentheses, ' +
    'pi, e, tau, and functions such as sqrt, log, sin, round, min, max, mean. Accurate to 15 digits.',
  parameters: z.object({
    expression: z.string().min(1).describe('The expression, without variables or units.'),
  }),
  idempotent: true,
  run: async ({ expression }) => ({ expression, result: formatNumber(calculate(expression)) }),
});

function assertAllowed(node: MathNode): void {
  if (isAllowed(node)) return;
  throw new Error(`"${node.toString().slice(0, 80)}" is not allowed in an expression.`);
}

function isAllowed(node: MathNode): boolean {
  if (isConstantNode(node)) return typeof node.value === 'number';
  if (isOperatorNode(node)) return OPERATORS.has(node.fn);
  // The name of a called function is a symbol too.
  if (isSymbolNode(node)) return CONSTANTS.has(node.name) || FUNCTIONS.has(node.name);
  return node.type === 'ParenthesisNode' || node.type === 'FunctionNode';
}

/** Floating point carries 15 digits; more would show rounding errors such as 0.30000000000000004. */
function formatNumber(value: number): string {
  return Number.isSafeInteger(value) ? String(value) : math.format(value, { precision: 15 });
}
