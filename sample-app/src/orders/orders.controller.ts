import { EntityManager } from '@mikro-orm/postgresql';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { InjectSoftDeleteRepository, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Customer } from '../entities/customer.entity.js';
import { Order } from '../entities/order.entity.js';
import { OrderLine } from '../entities/order-line.entity.js';
import { Product } from '../entities/product.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { OrderDto, PlaceOrderDto } from './order.dto.js';

@Controller('orders')
export class OrdersController {
  constructor(
    @InjectSoftDeleteRepository(Order) private readonly orders: SoftDeleteRepository<Order>,
    private readonly em: EntityManager,
  ) {}

  /** An order with its customer, also after the customer closed the account: references keep resolving. */
  @Get(':id')
  @ApiProblems(400, 404)
  async show(@Param('id', IdPipe) id: number): Promise<OrderDto> {
    return OrderDto.of(await this.orders.findOneOrFail(id, { populate: ['customer', 'lines.product'] }));
  }

  @Post()
  @ApiProblems(400, 404)
  async place(@Body() body: PlaceOrderDto): Promise<OrderDto> {
    const customer = await this.em.findOneOrFail(Customer, body.customerId);
    const order = this.orders.create({ customer, shipTo: body.shipTo ?? null });
    for (const { productId, quantity } of body.lines) {
      const product = await this.em.findOneOrFail(Product, productId);
      this.em.create(OrderLine, { order, product, quantity, unitPriceInCents: product.priceInCents });
    }
    await this.em.persist(order).flush();
    return this.show(order.id);
  }
}
