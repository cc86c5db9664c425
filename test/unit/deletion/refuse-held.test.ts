import { LegalHoldError } from 'nestjs-mikro-orm-soft-delete/compliance';
import { refuseHeld } from '../../../lib/deletion/refuse-if-held.js';

describe(refuseHeld, () => {
  const meta = { className: 'Customer' } as never;
  const hold = (id: number) => ({ id, name: `hold ${id}` });

  it('lets pass what no hold covers', () => {
    expect(() => refuseHeld(meta, [])).not.toThrow();
  });

  it('names every hold, and of each entity the most rows that one of them covers', () => {
    const found: { hold: ReturnType<typeof hold>; held: Record<string, number> }[] = [
      { hold: hold(1), held: { Customer: 1, Order: 3 } },
      { hold: hold(2), held: { Customer: 2, Order: 1, Note: 1 } },
    ];
    const refusal = expect.objectContaining({
      entity: 'Customer',
      holds: [hold(1), hold(2)],
      held: { Customer: 2, Order: 3, Note: 1 },
    });
    expect(() => refuseHeld(meta, found)).toThrow(LegalHoldError);
    expect(() => refuseHeld(meta, found)).toThrow(refusal);
  });
});
