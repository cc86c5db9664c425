import { EntityManager } from '@mikro-orm/postgresql';
import { Get } from '@nestjs/common';
import { Order } from '../entities/order.entity.js';
import { Admin } from './admin.decorator.js';
import { RevenueDto } from './revenue.dto.js';

@Admin('reports')
export class AdminReportsController {
  constructor(private readonly em: EntityManager) {}

  /** What was sold, by customer. Customers who closed their account count: their orders are active. */
  @Get('revenue')
  async revenue(): Promise<RevenueDto> {
    const orders = await this.em.find(Order, {}, { populate: ['customer', 'lines'] });
    const byCustomer = new Map<string, number>();
    for (const order of orders) {
      const { email } = order.customer.$;
      const amount = order.lines.$.reduce((sum, line) => sum + line.quantity * line.unitPriceInCents, 0);
      byCustomer.set(email, (byCustomer.get(email) ?? 0) + amount);
    }
    return {
      orders: orders.length,
      totalInCents: [...byCustomer.values()].reduce((sum, amount) => sum + amount, 0),
      byCustomer: Object.fromEntries([...byCustomer].sort()),
    };
  }
}
