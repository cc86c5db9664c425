import type { EntityData, EntityName, EntitySchema, FilterQuery, UpsertManyOptions } from '@mikro-orm/core';
import type { MikroORM } from '@mikro-orm/postgresql';

// Generic types of MikroORM are invariant: a schema of `User` is none of `object`, an ORM with one list of entities is none with another,
// and a condition on an `object` takes no property at all. Where any will do, their argument can only be `any`. It is written here alone.

/** An entity, whichever: its class, its schema or its name. @publicApi */
export type AnyEntityName = EntityName<any>;

/** A schema of `defineEntity()` or `new EntitySchema()`, whichever. @publicApi */
export type AnyEntitySchema = EntitySchema<any, any>;

/** A schema of one entity, whatever its base class. @publicApi */
export type SchemaOf<Entity> = EntitySchema<Entity, any>;

/** An ORM, whatever its entities. @publicApi */
export type AnyOrm = MikroORM<any>;

/** A condition on rows of any entity. @internal */
export type AnyCondition = FilterQuery<any>;

/** The values of a row of any entity. @internal */
export type AnyEntityData = EntityData<any>;

/** The options of an upsert of rows of any entity. @internal */
export type AnyUpsertOptions = UpsertManyOptions<any>;
