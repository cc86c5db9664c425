import { BadRequestException } from '@nestjs/common';
import { DELETION_ACTIONS, type DeletionAction } from '../../compliance/record/deletion-log.js';
import type { AdminEntity } from '../admin-entity.js';
import { parseKey } from './parse-key.js';
import { readLimit, readTime, textsOf } from './query-values.js';

/** Which records are asked for, checked. @internal */
export interface RecordQuery {
  readonly entity?: AdminEntity;
  readonly key?: unknown;
  readonly action?: DeletionAction;
  readonly actor?: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly limit: number;
}

/** @internal */
export const RECORD_PARAMETERS = ['entity', 'key', 'action', 'actor', 'from', 'to', 'limit'] as const;

/**
 * Reads the query parameters of a list of records.
 *
 * @param find - the entity of a name, if the caller may see it
 * @throws BadRequestException to the client, if one of them is unknown or makes no sense
 * @internal
 */
export async function readRecordQuery(
  query: Readonly<Record<string, unknown>>,
  find: (name: string) => Promise<AdminEntity>,
): Promise<RecordQuery> {
  const { entity: name, key, action, actor, ...times } = textsOf(query, RECORD_PARAMETERS);
  if (key !== undefined && name === undefined) {
    throw new BadRequestException('The query parameter key needs the entity beside it.');
  }
  if (key !== undefined && [action, actor, times.from, times.to].some((value) => value !== undefined)) {
    throw new BadRequestException('The query parameter key gives the whole history of a row: leave the others out.');
  }
  if (action !== undefined && !(DELETION_ACTIONS as readonly string[]).includes(action)) {
    throw new BadRequestException(`The query parameter action must be one of ${DELETION_ACTIONS.join(', ')}.`);
  }
  const from = readTime('from', times.from);
  const to = readTime('to', times.to);
  const entity = name === undefined ? undefined : await find(name);
  return {
    ...(entity ? { entity } : {}),
    ...(entity && key !== undefined ? { key: parseKey(entity.meta, key) } : {}),
    ...(action === undefined ? {} : { action: action as DeletionAction }),
    ...(actor === undefined ? {} : { actor }),
    ...(from ? { from } : {}),
    ...(to ? { to } : {}),
    limit: readLimit(times.limit),
  };
}
