import type { EntityKey, IndexOptions, UniqueOptions } from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { activePredicate } from '../metadata/active-predicate.js';
import { DEFAULT_PROPERTY } from '../options/default-property.js';
import { refuseUnknownOptions } from '../options/refuse-unknown-options.js';
import { requireType } from '../options/require-type.js';
import type { DefinitionTarget } from './definition-target.js';

const INDEX_KEYS = [
  'properties',
  'where',
  'name',
  'type',
  'columns',
  'include',
  'fillFactor',
  'invisible',
  'disabled',
  'clustered',
];
const UNIQUE_KEYS = INDEX_KEYS.filter((key) => !['type', 'invisible', 'clustered'].includes(key));

type Properties<Entity> = EntityKey<Entity> | `${EntityKey<Entity>}.${string}`;
type Own<Entity> = {
  /** The property or properties, in the order of the index. A property decorator means its own. */
  properties?: Properties<Entity> | Properties<Entity>[];
  /** Further conditions: the index holds active rows for which they are true as well. */
  where?: Record<string, unknown>;
};

/**
 * Options of an index over active rows: those of the ORM's `@Index()`.
 *
 * @publicApi
 */
export type ActiveIndexOptions<Entity = any> = Omit<
  IndexOptions<Entity>,
  'properties' | 'where' | 'expression' | 'options'
> &
  Own<Entity>;

/**
 * Options of a unique index over active rows: those of the ORM's `@Unique()`.
 *
 * @publicApi
 */
export type ActiveUniqueOptions<Entity = any> = Omit<
  UniqueOptions<Entity>,
  'properties' | 'where' | 'expression' | 'options' | 'deferMode'
> &
  Own<Entity>;

/**
 * A definition of the ORM whose condition is read from the mark when the ORM discovers the entity.
 *
 * @throws SoftDeleteConfigError if no property is named, or an option is unknown
 * @internal
 */
export function activeDefinition(
  decorator: 'ActiveUnique' | 'ActiveIndex',
  target: DefinitionTarget,
  options: { properties?: string | readonly string[]; where?: Record<string, unknown> },
  ownProperty?: string,
): { properties: string | readonly string[]; readonly where: Record<string, unknown> } {
  const option = `@${decorator}() on ${target.name}`;
  refuseUnknownOptions(option, options, decorator === 'ActiveUnique' ? UNIQUE_KEYS : INDEX_KEYS);
  requireType(`${option}, where`, options.where, 'object');
  const properties = options.properties ?? ownProperty;
  if (properties === undefined || properties.length === 0) {
    throw new SoftDeleteConfigError(
      option,
      'it names no property.',
      `Write @${decorator}({ properties: ['…'] }), or decorate the property.`,
    );
  }
  return {
    ...options,
    properties,
    get where() {
      if (target.mark?.strategy === 'archive') {
        throw new SoftDeleteConfigError(
          option,
          "with `strategy: 'archive'` the table contains only active rows.",
          `Use the ORM's own @${decorator === 'ActiveUnique' ? 'Unique' : 'Index'}(): its values are free again as soon as a row is deleted.`,
        );
      }
      const root = target.joinedRoot;
      if (root) {
        throw new SoftDeleteConfigError(
          option,
          `the table of a subclass of ${root} has no column for the time of deletion: with \`inheritance: 'tpt'\` it is in the table of ${root}.`,
          `Move the property and the decorator to ${root}, or keep an ordinary @${decorator === 'ActiveUnique' ? 'Unique' : 'Index'}() that counts deleted rows too.`,
        );
      }
      return { ...options.where, ...(activePredicate(target.mark?.property ?? DEFAULT_PROPERTY) as object) };
    },
  };
}
