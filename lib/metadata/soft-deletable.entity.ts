import { defineEntity, p } from '@mikro-orm/core';

/**
 * A base class with the `deletedAt` property that soft deletion needs: `null` or absent for an active row, else the time
 * of its deletion. The database keeps microseconds, the `Date` in memory milliseconds.
 *
 * Works with TypeScript and ECMAScript decorators and as `extends` of `defineEntity()`. Mark the entity itself with
 * `@SoftDeletable()`.
 *
 * @publicApi
 */
export abstract class SoftDeletableEntity {
  deletedAt?: Date | null;
}

defineEntity({
  class: SoftDeletableEntity as new () => SoftDeletableEntity,
  abstract: true,
  properties: {
    deletedAt: p.datetime().columnType('timestamptz').nullable(),
  },
});
