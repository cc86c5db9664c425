import { Cursor, EntityLoader, QueryOperator } from '@mikro-orm/core';

/** Whether the ORM takes `$all` for to-many relations, which it does from 7.2 on. */
export const hasAllOperator = '$all' in QueryOperator;

/**
 * Whether the ORM hands the part of `populateFilter` that is for a relation on to where its rows are read. Up to 7.1 it applied the
 * whole to the relation's target once more (`getJoinedFilters` in `EntityManager.js`), or none of it where it selects in.
 */
export const hasRelationPopulateFilter = 'extractChildPopulateFilter' in EntityLoader.prototype;

/**
 * Whether pages by a cursor go on behind a value to rows without one, and by several columns of a relation: up to 7.1 each of these was
 * compared by itself (`createCursorCondition` in `DatabaseDriver.js`).
 */
export const hasNestedCursors = 'serialize' in Cursor;
