import type { EntityManager } from '@mikro-orm/postgresql';
import { Seeder } from '@mikro-orm/seeder';
import { Customer } from '../entities/customer.entity.js';
import { Order } from '../entities/order.entity.js';
import { OrderLine } from '../entities/order-line.entity.js';
import { PageView } from '../entities/page-view.entity.js';
import { Product } from '../entities/product.entity.js';
import { Review } from '../entities/review.entity.js';

/** A shop with a past: two of its customers closed their accounts a month ago, one of them had ordered something. */
export class ShopSeeder extends Seeder {
  async run(em: EntityManager): Promise<void> {
    const [{ first, second }] = await em.execute<[{ first: Date; second: Date }]>(
      "select now() - interval '30 days 2 hours' as first, now() - interval '30 days 1 hour' as second",
    );

    const [ada, grace, linus, edsger, barbara] = [
      em.create(Customer, { email: 'ada@example.com', name: 'Ada Lovelace' }),
      em.create(Customer, { email: 'grace@example.com', name: 'Grace Hopper' }),
      em.create(Customer, { email: 'linus@example.com', name: 'Linus Torvalds' }),
      em.create(Customer, { email: 'edsger@example.com', name: 'Edsger Dijkstra', deletedAt: first }),
      em.create(Customer, { email: 'barbara@example.com', name: 'Barbara Liskov', deletedAt: second }),
    ];
    const [kettle, teapot, cup, spoon] = [
      em.create(Product, { name: 'Kettle', priceInCents: 3900 }),
      em.create(Product, { name: 'Teapot', priceInCents: 2450 }),
      em.create(Product, { name: 'Cup', priceInCents: 800 }),
      em.create(Product, { name: 'Spoon', priceInCents: 350 }),
    ];
    // One flush for each table keeps the numbers of the rows in this order: the README's examples name them.
    await em.flush();

    for (const [customer, shipTo, lines] of [
      [
        ada,
        'Ada Lovelace, 12 St James Square, London',
        [
          [kettle, 1],
          [cup, 2],
        ],
      ],
      [
        grace,
        'Grace Hopper, 2 Navy Yard, Arlington',
        [
          [teapot, 1],
          [cup, 4],
        ],
      ],
      [barbara, 'Barbara Liskov, 32 Vassar Street, Cambridge', [[cup, 6]]],
    ] as const) {
      const order = em.create(Order, { customer, shipTo });
      for (const [product, quantity] of lines) {
        em.create(OrderLine, { order, product, quantity, unitPriceInCents: product.priceInCents });
      }
      await em.flush();
    }

    em.create(Review, { customer: ada, product: kettle, rating: 5, text: 'Boils before I have found the tea.' });
    em.create(Review, { customer: ada, product: cup, rating: 4, text: 'Holds tea.' });
    em.create(Review, { customer: grace, product: teapot, rating: 5, text: 'No bugs found.' });
    em.create(Review, { customer: linus, product: spoon, rating: 1, text: 'Cannot be patched.' });
    em.create(Review, { customer: edsger, product: kettle, rating: 2, text: 'Its knob is harmful.', deletedAt: first });
    await em.flush();

    em.create(PageView, { product: kettle, customer: ada });
    em.create(PageView, { product: teapot, customer: grace, ad: 'Tea time' });
    em.create(PageView, { product: cup, customer: grace });
    em.create(PageView, { product: spoon, ad: 'Tea time' });
    await em.flush();
  }
}
