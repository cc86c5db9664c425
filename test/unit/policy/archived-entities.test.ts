import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { MikroORM } from '@mikro-orm/postgresql';
import { describeDeletionPolicy, SoftDeletable } from 'nestjs-mikro-orm-soft-delete';
import { complianceEntities } from 'nestjs-mikro-orm-soft-delete/compliance';
import { drawDeletionPolicy } from '../../../lib/policy/draw-deletion-policy.js';
import { SHOP } from '../../integration/archive/archive.entities.js';

@SoftDeletable({ strategy: 'archive', retention: '1y' })
@Entity({ comment: 'Written at every visit.' })
class Visit {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

@Entity()
class Setting {
  @PrimaryKey({ type: 'integer' })
  id!: number;
}

describe('The policy of archived entities', () => {
  it('says where their rows go, with what, why, and what comes back', async () => {
    const orm = await MikroORM.init({
      dbName: 'nowhere',
      connect: false,
      entities: [...SHOP, Visit, ...complianceEntities()],
    } as never);
    const policy = describeDeletionPolicy(orm as never, { retention: 'forever' });

    expect(policy).toContain('| Visit | `visit` | moves the row to `deletion_archive` | 365 days | – | – |');
    expect(policy).toContain('| Product | `product` | moves the row to `deletion_archive` | 30 days | – | sku |');
    expect(policy).toContain(
      [
        '## Product',
        '',
        'A deleted row can be restored for 30 days; then the purge removes it for good.',
        'A deletion removes it from its table at once, with what is listed here, and keeps a copy in the archive, from where it comes back.',
        '',
        '- Deleted and restored with it: Product.offers (Offer), Product.remarks (Remark), Product.variants (Variant), the rows of product_labels',
        '- Not deleted while active rows remain in: Product.bookings (Booking)',
        '- Lose their reference to it, and get it back when it is restored: Product.bookmarks (Bookmark)',
        '',
      ].join('\n'),
    );
    expect(policy).toContain(
      [
        '## Shop',
        '',
        'A deleted row can be restored at any time. It is never removed for good.',
        '',
        '- Deleted and restored with it: Shop.products (Product)',
        '',
      ].join('\n'),
    );
    expect(policy).toContain('from where it comes back.\nWhy: Written at every visit.\n');
    expect(policy).toContain(
      '## Variant\n\nA deleted row can be restored at any time. It is never removed for good.\n',
    );
  });

  it('draws them as what they are, with what lies behind them', async () => {
    const orm = await MikroORM.init({
      dbName: 'nowhere',
      connect: false,
      entities: [...SHOP, Visit, ...complianceEntities()],
    } as never);
    expect(drawDeletionPolicy(orm.em as never)).toBe(`flowchart LR
  Booking(["Booking"])
  Bookmark(["Bookmark"])
  Label(["Label"])
  Offer["Offer"]
  Product[("Product")]
  Remark(["Remark"])
  Shop["Shop"]
  Variant[("Variant")]
  Visit[("Visit")]
  Product --x|"bookings: restrict"| Booking
  Product -.->|"bookmarks: keep"| Bookmark
  Product -.->|"labels: keep"| Label
  Product ==>|"offers: cascade"| Offer
  Product ==>|"remarks: cascade"| Remark
  Product ==>|"variants: cascade"| Variant
  Shop ==>|"products: cascade"| Product`);
  });

  it.each([
    [[Visit], undefined],
    [[Visit, Setting], 'Rows of Setting are removed when they are deleted, and cannot be restored.'],
  ])('names what is removed at once, if there is anything: %#', async (entities, text) => {
    const orm = await MikroORM.init({
      dbName: 'nowhere',
      connect: false,
      entities: [...entities, ...complianceEntities()],
    } as never);
    const [, atOnce] = describeDeletionPolicy(orm as never, { retention: 'forever' }).split('## Deleted at once\n\n');
    expect(atOnce?.split('\n')[0]).toBe(text);
  });
});
