import {
  type EntityMetadata,
  type EntityName,
  EntitySchema,
  type MetadataStorage,
  type MikroORM,
  Utils,
} from '@mikro-orm/core';
import { SoftDeleteConfigError } from '../errors/soft-delete-config.error.js';
import { getMark } from '../metadata/soft-deletable.mark.js';

/**
 * Refuses entities that concern soft deletion and are discovered after it was installed. What it decides by is read when it is
 * installed: the filter's entities, what stands behind a relation, which references resolve. A marked entity that comes later would be
 * removed physically, and rows behind a relation that comes later would be left behind.
 *
 * @internal
 */
export function refuseLateDiscovery(orm: MikroORM<any>): void {
  const discover = orm.discoverEntity;
  orm.discoverEntity = (entities: unknown, reset?: unknown): void => {
    const storage = orm.getMetadata() as MetadataStorage;
    const known = new Map([...storage].map((meta) => [meta.class, meta]));
    for (const name of [reset ?? []].flat() as EntityName[]) {
      refuseIfConcerned(storage.find(name));
    }
    for (const entity of [entities].flat() as EntityName[]) {
      const { className, class: given } = EntitySchema.is(entity)
        ? entity.meta
        : { className: Utils.className(entity), class: entity };
      refuseIfMarked(className, given as object);
    }
    const changed = () => [...storage].filter((meta) => known.get(meta.class) !== meta);
    try {
      Reflect.apply(discover, orm, [entities, reset]);
      changed().forEach(refuseIfConcerned);
    } catch (error) {
      // An entity that the ORM does not know cannot be removed.
      changed().forEach((meta) => storage.reset(meta.class));
      known.forEach((meta, entity) => storage.set(entity, meta));
      throw error;
    }
  };
}

function refuseIfConcerned(meta: EntityMetadata | undefined): void {
  if (!meta) {
    return;
  }
  refuseIfMarked(meta.className, meta.class);
  const found = meta.relations.find(({ targetMeta, polymorphTargets }) =>
    (polymorphTargets ?? [targetMeta]).some((target) => getMark(target?.class)),
  );
  if (found) {
    refuse(meta.className, `its relation ${found.name} leads to soft-deletable rows`);
  }
}

function refuseIfMarked(className: string, entity: object): void {
  if (getMark(entity)) {
    refuse(className, 'it is soft-deletable');
  }
}

function refuse(className: string, reason: string): never {
  throw new SoftDeleteConfigError(
    `discoverEntity(), ${className}`,
    `${reason}, and soft deletion is already installed without it.`,
    `Add ${className} to the \`entities\` of the MikroORM configuration.`,
  );
}
