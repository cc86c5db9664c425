import type { EntityManager, Transaction } from '@mikro-orm/postgresql';
import { describeVetoes } from '../../../postgres/vetoes.js';
import { DeletionRestrictedError } from '../../../errors/deletion-restricted.error.js';
import { RowSet } from '../../../sql/row-set.js';
import type { PersonalRows } from '../graph/personal-rows.js';

/**
 * Marks rows as blocked that were to be removed and are still there.
 *
 * @returns the rows that are gone
 * @throws DeletionRestrictedError if one of them belongs to nobody by declaration, so that no certificate could name it
 * @internal
 */
export async function markStayed(
  em: EntityManager,
  ctx: Transaction,
  rows: PersonalRows,
  going: RowSet,
  stayed: RowSet,
): Promise<RowSet> {
  const roots = stayed.entities();
  if (roots.length === 0) {
    return going;
  }
  const counts = roots.map((root) => [root, stayed.count(root)] as const);
  const vetoes = await describeVetoes(em, ctx, counts, 'delete');
  const gone = new RowSet();
  for (const root of going.entities()) {
    const veto = vetoes[roots.indexOf(root)]!;
    for (const key of stayed.keys(root)) {
      const row = rows.find(root, key);
      if (!row) {
        throw new DeletionRestrictedError(rows.subject.className, [veto]);
      }
      row.blocked = { ground: `${veto.relation} keeps it`, until: null };
    }
    await gone.add(
      root,
      going.keys(root).filter((key) => !stayed.has(root, key)),
    );
  }
  return gone;
}
