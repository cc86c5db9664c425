import {
  type EntityClass,
  type EntityMetadata,
  type EntityProperty,
  EntitySchema,
  ReferenceKind,
} from '@mikro-orm/core';
import type { AnyEntityName } from '../options/any-of-the-orm.js';
import type { DeletedByProperty } from '../metadata/describe-deleted-by.js';
import { isShown, isText } from '../metadata/shown-properties.js';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import type { SoftDeletableEntityMetadata, SoftDeleteCatalog } from '../metadata/soft-delete-catalog.js';
import type { AdminEntityOptions } from './soft-delete-admin.options.js';

/** An entity as the admin page shows it. @internal */
export interface AdminEntity {
  readonly name: string;
  readonly entity: EntityClass<object>;
  readonly meta: EntityMetadata;
  readonly entry: SoftDeletableEntityMetadata;
  /** `undefined` where a row is called by its key. */
  readonly label: ((row: object) => unknown) | undefined;
  readonly columns: readonly string[];
  readonly search: readonly string[];
  /** Where the row itself keeps who has deleted it, if that may be shown. */
  readonly shownActor: DeletedByProperty | undefined;
  /** Everything that may be shown of one row. */
  readonly fields: readonly string[];
}

const CALLED = ['name', 'title', 'label', 'email', 'slug'];
const SHORT = /^(int|smallint|bigint|serial|numeric|decimal|real|double|bool|date|time|varchar|text|citext|char|uuid)/i;
/** How many columns a table has that nobody chose. */
const COLUMNS = 3;

/** A class, or what `defineEntity()` made. @internal */
export function isEntityName(item: unknown): item is AnyEntityName {
  return typeof item === 'function' || item instanceof EntitySchema;
}

/**
 * The entities that the page shows, with what was left open filled in.
 *
 * @throws SoftDeleteConfigError if a property cannot be shown or searched
 * @throws NotSoftDeletableError if an entity is not marked
 * @internal
 */
export function resolveAdminEntities(
  catalog: SoftDeleteCatalog,
  options: readonly (AdminEntityOptions | AnyEntityName)[] | undefined,
): AdminEntity[] {
  const listed: readonly AdminEntityOptions[] = options
    ? options.map((item) => (isEntityName(item) ? { entity: item } : item))
    : catalog
        .all()
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ meta }) => ({ entity: meta.class as EntityClass<object> }));
  const entities = listed.map((item) => resolve(catalog, item));
  const twice = entities.find(({ name }, i) => entities.findIndex((other) => other.name === name) !== i);
  if (twice) {
    throw new SoftDeleteConfigError(
      'SoftDeleteAdminModule, entities',
      `${twice.name} is listed twice.`,
      'List it once; a hierarchy is listed by its root.',
    );
  }
  return entities;
}

function resolve(catalog: SoftDeleteCatalog, { entity, label, columns, search }: AdminEntityOptions): AdminEntity {
  const entry = catalog.get(entity);
  const { meta } = entry;
  const shown = meta.props.filter((prop) => isShown(prop, entry));
  const called = label ? undefined : CALLED.find((name) => shown.some((prop) => prop.name === name && isText(prop)));
  const where = `SoftDeleteAdminModule, entities, ${entry.name}`;
  return {
    name: entry.name,
    entity: meta.class as EntityClass<object>,
    meta,
    entry,
    label: label ?? (called === undefined ? undefined : (row) => (row as Record<string, unknown>)[called]),
    columns: columns ? requireShown(where, 'columns', columns, shown) : chooseColumns(shown, called),
    search: search
      ? requireText(where, requireShown(where, 'search', search, shown), shown)
      : shown.filter(isText).map(({ name }) => name),
    shownActor: shown.some(({ name }) => name === entry.deletedBy?.property) ? entry.deletedBy : undefined,
    fields: shown.map(({ name }) => name),
  };
}

function chooseColumns(shown: readonly EntityProperty[], called: string | undefined): string[] {
  return shown
    .filter(({ kind, primary, name }) => kind === ReferenceKind.SCALAR && !primary && name !== called)
    .filter(({ columnTypes }) => columnTypes?.every((type) => SHORT.test(type) && !type.endsWith('[]')))
    .slice(0, COLUMNS)
    .map(({ name }) => name);
}

function requireShown(
  where: string,
  option: string,
  names: readonly string[],
  shown: readonly EntityProperty[],
): readonly string[] {
  for (const name of names) {
    if (!shown.some((prop) => prop.name === name)) {
      throw new SoftDeleteConfigError(
        `${where}, ${option}`,
        `"${name}" is not a property that may be shown.`,
        `Hidden and lazy ones never are. The others are: ${shown.map((prop) => prop.name).join(', ')}.`,
      );
    }
  }
  return names;
}

function requireText(where: string, names: readonly string[], shown: readonly EntityProperty[]): readonly string[] {
  for (const name of names) {
    if (!shown.some((prop) => prop.name === name && isText(prop))) {
      throw new SoftDeleteConfigError(
        `${where}, search`,
        `"${name}" is not text as the database has it.`,
        `Those that are: ${
          shown
            .filter(isText)
            .map((prop) => prop.name)
            .join(', ') || 'none'
        }.`,
      );
    }
  }
  return names;
}
