import type { EntityManager } from '@mikro-orm/postgresql';
import { SoftDeleteCatalog } from '../../metadata/soft-delete-catalog.js';
import type { PurgeOptions } from '../../options/soft-delete-module-options.js';
import { readSchemas } from './read-schemas.js';

/** Entities whose tables one entity manager finds. @internal */
export interface PurgePlace {
  readonly em: EntityManager;
  /** The schema, if it is one of those that `purge.schemas` names. */
  readonly schema?: string;
  /** The names of the entities that are looked at there, if not all. */
  readonly entities: readonly string[] | undefined;
}

/**
 * Where the entities of a purge live: those of schema `'*'` in each of the schemas that `purge.schemas` names, and then the others, which
 * they may reference. Rows of the archive are in one table for all schemas.
 *
 * @param asked - the names of the entities that are asked for, if not all
 * @throws PurgeSchemasError if nobody can tell the schemas
 * @internal
 */
export async function listPlaces(
  em: EntityManager,
  schemas: PurgeOptions['schemas'],
  asked?: readonly string[],
): Promise<PurgePlace[]> {
  const [moving, staying] = splitBySchema(em, asked);
  if (!schemas || moving.length === 0) {
    return [{ em, entities: asked }];
  }
  const places: PurgePlace[] = (await readSchemas(schemas)).map((schema) => ({
    em: em.fork({ schema }),
    schema,
    entities: moving,
  }));
  return staying.length > 0 ? [...places, { em, entities: staying }] : places;
}

/** The entities of schema `'*'`, and the others. @internal */
export function splitBySchema(
  em: EntityManager,
  asked: readonly string[] | undefined,
): readonly [moving: string[], staying: string[]] {
  const catalog = SoftDeleteCatalog.of(em);
  const isAsked = (name: string) => !asked || asked.includes(name);
  const moving = catalog.all().flatMap(({ name, meta }) => (meta.schema === '*' && isAsked(name) ? [name] : []));
  const all = catalog.allMarked().map(({ name }) => name);
  return [moving, all.filter((name) => isAsked(name) && !moving.includes(name))];
}
