import { Delete, Get, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import {
  type DeletionResult,
  DeletionResultDto,
  InjectSoftDeleteRepository,
  type RestoreResult,
  RestoreResultDto,
  type SoftDeleteRepository,
  WithDeleted,
} from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Order } from '../entities/order.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { OrderDto } from '../orders/order.dto.js';
import { Admin } from './admin.decorator.js';

@Admin('orders')
export class AdminOrdersController {
  constructor(@InjectSoftDeleteRepository(Order) private readonly orders: SoftDeleteRepository<Order>) {}

  /** The orders; with `?withDeleted=true` every query of the request sees the deleted ones too. */
  @Get()
  @ApiProblems(400)
  @WithDeleted({ query: 'withDeleted' })
  async list(): Promise<OrderDto[]> {
    const orders = await this.orders.findAll({ populate: ['customer', 'lines.product'], orderBy: { id: 'asc' } });
    return orders.map((order) => OrderDto.of(order));
  }

  @Delete(':id')
  @ApiProblems(400, 404, 409)
  @ApiOkResponse({ type: DeletionResultDto })
  async remove(@Param('id', IdPipe) id: number): Promise<DeletionResult> {
    const order = await this.orders.findOneOrFail(id);
    return this.orders.softDelete(order, { actor: 'admin' });
  }

  @Post(':id/restore')
  @ApiProblems(400, 404, 409)
  @HttpCode(200)
  @ApiOkResponse({ type: RestoreResultDto })
  async restore(@Param('id', IdPipe) id: number): Promise<RestoreResult> {
    const order = await this.orders.withDeleted().findOneOrFail(id);
    return this.orders.restore(order);
  }
}
