import { parseArgs } from 'node:util';
import { SCOPES, type Scope } from '../contract/scopes.ts';
import type { ApiKey, KeyStore } from '../store/key-store.ts';

export type Command =
  | { name: 'create'; owner: string; scopes: Scope[] }
  | { name: 'list' }
  | { name: 'revoke'; id: string };

/** What a command has to say: its result, and what is for people's eyes only. */
export interface Said {
  result: string;
  remark?: string;
}

/** A command that makes no sense, or names a key that is not there. */
export class KeysError extends Error {
  override name = 'KeysError';
}

const USAGE = `Usage:
  npm run keys -- create --owner NAME [--scopes ${SCOPES.join(',')}]
  npm run keys -- list
  npm run keys -- revoke KEY_ID`;
const DEFAULT_SCOPES: Scope[] = ['tasks:read', 'tasks:write'];
/** Owners also stand in Temporal's search attributes, and on command lines. */
const OWNER = /^[A-Za-z0-9._@:-]{1,64}$/;

/** Reads a command line. Throws `KeysError`. */
export function readCommand(args: readonly string[]): Command {
  const { values, positionals } = parse(args);
  const [name, ...operands] = positionals;
  switch (name) {
    case 'create':
      refuseOperands(operands);
      return readCreate(values);
    case 'list':
      refuseFlags(values);
      refuseOperands(operands);
      return { name };
    case 'revoke':
      refuseFlags(values);
      return { name, id: readId(operands) };
    default:
      throw usageError(name === undefined ? 'no command was given' : `"${name}" is no command`);
  }
}

/** Carries a command out. Throws `KeysError` where there is no such key. */
export async function runCommand(store: KeyStore, command: Command): Promise<Said> {
  switch (command.name) {
    case 'create': {
      const { key, apiKey } = await store.createKey(command.owner, command.scopes);
      const { id, owner, scopes } = apiKey;
      const remark = `${id} of ${owner}, for ${scopes.join(', ')}. The key is shown this once: keep it now.`;
      return { result: key, remark };
    }
    case 'list':
      return listed(await store.listKeys());
    case 'revoke': {
      const key = await store.revokeKey(command.id);
      if (!key) throw new KeysError(`There is no key ${command.id}: see list.`);
      return { result: `${key.id} of ${key.owner} is revoked. It stops to count within a minute.` };
    }
  }
}

interface Flags {
  owner?: string | undefined;
  scopes?: string | undefined;
}

function parse(args: readonly string[]): { values: Flags; positionals: string[] } {
  const options = { owner: { type: 'string' }, scopes: { type: 'string' } } as const;
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw usageError((error as Error).message);
  }
}

function refuseOperands([operand]: readonly string[]): void {
  if (operand !== undefined) throw usageError(`"${operand}" is too much`);
}

function refuseFlags(values: Flags): void {
  const [flag] = Object.keys(values);
  if (flag !== undefined) throw usageError(`--${flag} is for create`);
}

function readCreate({ owner, scopes }: Flags): Command {
  if (owner === undefined) throw usageError('create needs --owner: whose tasks the key is for');
  if (!OWNER.test(owner)) {
    throw usageError('--owner must be 1 to 64 letters, digits and . _ @ : -');
  }
  return {
    name: 'create',
    owner,
    scopes: scopes === undefined ? DEFAULT_SCOPES : readScopes(scopes),
  };
}

function readId([id, ...more]: readonly string[]): string {
  if (id === undefined) throw usageError('revoke needs the id of a key: see list');
  refuseOperands(more);
  return id;
}

function readScopes(text: string): Scope[] {
  const names = text.split(',').map((name) => name.trim());
  const unknown = names.find((name) => !SCOPES.some((scope) => scope === name));
  if (unknown !== undefined) throw usageError(`"${unknown}" is no scope`);
  return SCOPES.filter((scope) => names.includes(scope));
}

function usageError(problem: string): KeysError {
  return new KeysError(`${problem}\n\n${USAGE}`);
}

const COLUMNS = ['id', 'owner', 'scopes', 'created', 'revoked'];

/** A table: one key a line. */
function listed(keys: readonly ApiKey[]): Said {
  if (keys.length === 0) return { result: '', remark: 'There are no keys.' };
  const rows = keys.map((key) => [
    ...[key.id, key.owner, key.scopes.join(',')],
    ...[key.created_at, key.revoked_at ?? '-'],
  ]);
  const widths = COLUMNS.map((name, n) =>
    Math.max(...[...rows.map((row) => row[n] ?? ''), name].map(({ length }) => length)),
  );
  const lineOf = (row: string[]) => row.map((cell, n) => cell.padEnd(widths[n] ?? 0)).join('  ');
  return { result: [COLUMNS, ...rows].map((row) => lineOf(row).trimEnd()).join('\n') };
}
