import { defineEntity, p } from '@mikro-orm/postgresql';
import { softDeletable } from 'nestjs-mikro-orm-soft-delete';

const deletedAt = () => p.datetime().columnType('timestamptz').nullable();

export const Owner = softDeletable(
  defineEntity({
    name: 'Owner',
    tableName: 'owner',
    properties: { id: p.integer().primary(), deletedAt: deletedAt() },
  }),
  { retention: '30d' },
);
/** Keeps its owner for as long as it is there: they are purged in one job. */
export const Thing = softDeletable(
  defineEntity({
    name: 'Thing',
    tableName: 'thing',
    properties: {
      id: p.integer().primary(),
      owner: () => p.manyToOne(Owner).deleteRule('restrict').index(),
      deletedAt: deletedAt(),
    },
  }),
  { retention: '30d' },
);
