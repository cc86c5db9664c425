import { BadRequestException } from '@nestjs/common';
import { isSortable } from '../../metadata/shown-properties.js';
import type { AdminEntity } from '../admin-entity.js';
import { readLimit, readTime, textsOf } from './query-values.js';

/** What a list of rows is asked for, checked. @internal */
export interface ListQuery {
  readonly q: string | undefined;
  readonly from: Date | undefined;
  readonly to: Date | undefined;
  readonly actor: string | undefined;
  /** A property. */
  readonly sort: string;
  readonly descending: boolean;
  readonly after: Cursor | undefined;
  readonly limit: number;
}

/** Where a page ends: the value that it is sorted by and the key, as texts of the database. @internal */
export interface Cursor {
  readonly value: string | null;
  readonly key: readonly string[];
}

const NAMES = ['q', 'from', 'to', 'actor', 'sort', 'after', 'limit'] as const;
const LONGEST_SEARCH = 200;

/**
 * Reads the query parameters of a list.
 *
 * @param knowsActors - whether anything says who deleted rows of the entity
 * @throws BadRequestException to the client, if one of them is unknown or makes no sense
 * @internal
 */
export function readListQuery(
  entity: AdminEntity,
  query: Readonly<Record<string, unknown>>,
  knowsActors: boolean,
): ListQuery {
  const { q, from, to, actor, after, limit, ...texts } = textsOf(query, NAMES);
  const sort = readSort(entity, texts.sort);
  return {
    q: readSearch(entity, q),
    from: readTime('from', from),
    to: readTime('to', to),
    actor: readActor(entity, knowsActors, actor),
    ...sort,
    after: readCursor(entity, sort, after),
    limit: readLimit(limit),
  };
}

/** @internal */
export function writeCursor({ sort, descending }: Pick<ListQuery, 'sort' | 'descending'>, cursor: Cursor): string {
  return Buffer.from(JSON.stringify([sort, descending, cursor.value, cursor.key])).toString('base64url');
}

function readSearch({ name, search }: AdminEntity, q: string | undefined): string | undefined {
  const trimmed = q?.trim();
  if (!trimmed) {
    return undefined;
  }
  if (search.length === 0) {
    throw new BadRequestException(`${name} has no property to search.`);
  }
  if (trimmed.length > LONGEST_SEARCH) {
    throw new BadRequestException(`The query parameter q must have at most ${LONGEST_SEARCH} characters.`);
  }
  return trimmed;
}

function readActor({ name }: AdminEntity, knowsActors: boolean, value: string | undefined): string | undefined {
  if (value !== undefined && !knowsActors) {
    throw new BadRequestException(`Nothing says who deleted rows of ${name}, so the parameter actor finds nobody.`);
  }
  return value;
}

function readSort(entity: AdminEntity, value = '-deletedAt'): Pick<ListQuery, 'sort' | 'descending'> {
  const descending = value.startsWith('-');
  const name = descending ? value.slice(1) : value;
  const { property } = entity.entry;
  if (name === 'deletedAt') {
    return { sort: property, descending };
  }
  const sortable = entity.columns.filter((column) => isSortable(entity.meta.properties[column as never]));
  if (!sortable.includes(name)) {
    const names = ['deletedAt', ...sortable];
    throw new BadRequestException(`The query parameter sort must be one of ${names.join(', ')}, with or without "-".`);
  }
  return { sort: name, descending };
}

function readCursor(
  { meta }: AdminEntity,
  { sort, descending }: Pick<ListQuery, 'sort' | 'descending'>,
  after: string | undefined,
): Cursor | undefined {
  if (after === undefined) {
    return undefined;
  }
  const columns = meta.root.getPrimaryProps().flatMap(({ fieldNames }) => fieldNames);
  const [sortedBy, direction, value, key] = parseCursor(after);
  const isText = (item: unknown) => typeof item === 'string' && !item.includes('\0');
  const isKey = Array.isArray(key) && key.length === columns.length && key.every(isText);
  if (sortedBy !== sort || direction !== descending || !(value === null || isText(value)) || !isKey) {
    throw new BadRequestException('The query parameter after must be the `next` of a page with the same sort.');
  }
  return { value: value as string | null, key: key as string[] };
}

function parseCursor(text: string): unknown[] {
  try {
    const parsed: unknown = JSON.parse(Buffer.from(text, 'base64url').toString());
    return Array.isArray(parsed) ? parsed : [];
  } catch {
    return [];
  }
}
