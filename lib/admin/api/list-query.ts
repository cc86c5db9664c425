import { BadRequestException } from '@nestjs/common';
import type { AdminEntity } from '../admin-entity.js';

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

const NAMES = ['q', 'from', 'to', 'actor', 'sort', 'after', 'limit'];
const LONGEST_SEARCH = 200;
const LARGEST_PAGE = 200;
const PAGE = 50;
const ISO = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:?\d\d)?)?$/;

/**
 * Reads the query parameters of a list.
 *
 * @throws BadRequestException to the client, if one of them is unknown or makes no sense
 * @internal
 */
export function readListQuery(entity: AdminEntity, query: Readonly<Record<string, unknown>>): ListQuery {
  const text = (name: string): string | undefined => {
    const value = query[name];
    if (value !== undefined && (typeof value !== 'string' || value.includes('\0'))) {
      throw new BadRequestException(`The query parameter ${name} must be given once, as text.`);
    }
    return value === '' ? undefined : value;
  };
  for (const name of Object.keys(query)) {
    if (!NAMES.includes(name)) {
      throw new BadRequestException(`There is no query parameter ${name}. Those that are: ${NAMES.join(', ')}.`);
    }
  }
  const sort = readSort(entity, text('sort'));
  return {
    q: readSearch(entity, text('q')),
    from: readTime('from', text('from')),
    to: readTime('to', text('to')),
    actor: readActor(text('actor')),
    ...sort,
    after: readCursor(entity, sort, text('after')),
    limit: readLimit(text('limit')),
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

function readTime(name: string, value: string | undefined): Date | undefined {
  if (value === undefined) {
    return undefined;
  }
  const date = new Date(value);
  if (!ISO.test(value) || Number.isNaN(date.getTime())) {
    throw new BadRequestException(
      `The query parameter ${name} must be a time in ISO 8601, such as 2026-01-31T12:00:00Z.`,
    );
  }
  return date;
}

/** Nothing records yet who deleted a row. */
function readActor(value: string | undefined): undefined {
  if (value !== undefined) {
    throw new BadRequestException('Nothing records who deleted these rows, so that actor finds nobody.');
  }
  return undefined;
}

function readSort(entity: AdminEntity, value = '-deletedAt'): Pick<ListQuery, 'sort' | 'descending'> {
  const descending = value.startsWith('-');
  const name = descending ? value.slice(1) : value;
  const { property } = entity.entry;
  if (name === 'deletedAt') {
    return { sort: property, descending };
  }
  if (!entity.columns.includes(name) || entity.meta.properties[name as never]?.fieldNames?.length !== 1) {
    const names = ['deletedAt', ...entity.columns];
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

function readLimit(value: string | undefined): number {
  if (value === undefined) {
    return PAGE;
  }
  const limit = Number(value);
  if (!/^\d{1,3}$/.test(value) || limit < 1 || limit > LARGEST_PAGE) {
    throw new BadRequestException(`The query parameter limit must be a whole number from 1 to ${LARGEST_PAGE}.`);
  }
  return limit;
}
