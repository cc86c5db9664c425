import { BadRequestException } from '@nestjs/common';
import type { AdminEntity } from '../admin-entity.js';
import { parseKey } from './parse-key.js';

const MOST_KEYS = 1_000;
const LONGEST_TEXT = 500;

/** The body of a request that names rows, checked. @internal */
export interface RowsBody {
  readonly keys: readonly unknown[];
  readonly dryRun: boolean;
  readonly withParents: boolean;
  readonly confirm: string | undefined;
  /** Why, as options of an operation. */
  readonly why: { readonly reason?: string };
}

/** The body of a request for a hold, checked. @internal */
export interface HoldBody {
  readonly keys: readonly unknown[];
  readonly name: string;
  readonly reason: string;
}

/**
 * @param allowed - what the body may have besides `keys` and `reason`
 * @throws BadRequestException to the client, if the body has something else, or keys that are none
 * @internal
 */
export function readRowsBody(
  entity: AdminEntity,
  body: unknown,
  allowed: readonly ('dryRun' | 'withParents' | 'confirm')[],
): RowsBody {
  const { keys, reason, ...rest } = readFields(body, ['keys', 'reason', ...allowed]);
  return {
    keys: readKeys(entity, keys),
    ...readSwitches(rest),
    why: reason === undefined || reason === '' ? {} : { reason: readText('reason', reason) },
  };
}

/** @throws BadRequestException to the client, if something is missing, or there is something else. @internal */
export function readHoldBody(entity: AdminEntity, body: unknown): HoldBody {
  const { keys, name, reason } = readFields(body, ['keys', 'name', 'reason']);
  return { keys: readKeys(entity, keys), name: readText('name', name), reason: readText('reason', reason) };
}

/** @throws BadRequestException to the client, if there is no reason, or something else. @internal */
export function readReleaseBody(body: unknown): string {
  return readText('reason', readFields(body, ['reason'])['reason']);
}

/** @throws BadRequestException to the client, if the body has something else. @internal */
export function readPurgeBody(body: unknown): Pick<RowsBody, 'dryRun' | 'confirm'> {
  return readSwitches(readFields(body, ['dryRun', 'confirm']));
}

/** @throws BadRequestException to the client, if nothing is confirmed. @internal */
export function requireConfirmation({ confirm }: Pick<RowsBody, 'confirm'>): string {
  if (confirm === undefined) {
    throw new BadRequestException('confirm must be the total of a preview, as text; { dryRun: true } gives it.');
  }
  return confirm;
}

function readKeys({ meta }: AdminEntity, keys: unknown): unknown[] {
  if (!Array.isArray(keys) || keys.length === 0 || keys.length > MOST_KEYS) {
    throw new BadRequestException(`keys must be a list of 1 to ${MOST_KEYS} keys.`);
  }
  return keys.map((key: unknown) => parseKey(meta, key));
}

function readText(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value.trim() : '';
  if (text === '' || text.length > LONGEST_TEXT || text.includes('\0')) {
    throw new BadRequestException(`${name} must be text of 1 to ${LONGEST_TEXT} characters.`);
  }
  return text;
}

function readFields(body: unknown, allowed: readonly string[]): Record<string, unknown> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new BadRequestException('The body must be a JSON object.');
  }
  const unknown = Object.keys(body).find((name) => !allowed.includes(name));
  if (unknown !== undefined) {
    throw new BadRequestException(`There is no "${unknown}". The body may have: ${allowed.join(', ')}.`);
  }
  return body as Record<string, unknown>;
}

function readSwitches({ dryRun, withParents, confirm }: Record<string, unknown>) {
  for (const [name, value] of Object.entries({ dryRun, withParents })) {
    if (value !== undefined && typeof value !== 'boolean') {
      throw new BadRequestException(`${name} must be true or false.`);
    }
  }
  if (confirm !== undefined && typeof confirm !== 'string') {
    throw new BadRequestException('confirm must be the total of a preview, as text.');
  }
  if (confirm !== undefined && dryRun) {
    throw new BadRequestException('Send either dryRun or confirm.');
  }
  return { dryRun: dryRun === true, withParents: withParents === true, confirm };
}
