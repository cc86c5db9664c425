import { EntityLoader, QueryOperator } from '@mikro-orm/core';

/** Whether the ORM takes `$all` for to-many relations, which it does from 7.2 on. */
export const hasAllOperator = '$all' in QueryOperator;

/**
 * Whether the ORM hands the part of `populateFilter` that is for a relation on to where its rows are read. Up to 7.1 it applied the
 * whole to the relation's target once more (`getJoinedFilters` in `EntityManager.js`), or none of it where it selects in.
 */
export const hasRelationPopulateFilter = 'extractChildPopulateFilter' in EntityLoader.prototype;
