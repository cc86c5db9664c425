import type { PurgeEntity, PurgeTable } from '../../../lib/purge/plan/key-graph.js';

/** Tables and entities as the purge knows them from the catalog. */
export const table = (label: string): PurgeTable => ({
  id: label,
  name: `"public"."${label}"`,
  label,
  key: [{ name: '"id"', type: 'integer' }],
  pages: 1,
  isPartitioned: false,
});

export const entity = (name: string, own: PurgeTable, more: Partial<PurgeEntity> = {}): PurgeEntity => ({
  name,
  meta: {} as PurgeEntity['meta'],
  table: own,
  tables: [own],
  deletedAt: { name: '"deleted_at"', type: 'timestamp with time zone' },
  retention: 1_000,
  hasPurgeIndex: true,
  ...more,
});
