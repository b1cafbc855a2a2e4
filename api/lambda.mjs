// The function runtime looks for .js, .mjs or .cjs; Node runs the .ts behind it.
export { handler } from './lambda.ts';
