import { Delete, HttpCode, Param, Post } from '@nestjs/common';
import { ApiOkResponse } from '@nestjs/swagger';
import {
  type DeletionResult,
  DeletionResultDto,
  InjectSoftDeleteRepository,
  type RestoreResult,
  RestoreResultDto,
  type SoftDeleteRepository,
} from 'nestjs-mikro-orm-soft-delete';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { Product } from '../entities/product.entity.js';
import { IdPipe } from '../http/id.pipe.js';
import { Admin } from './admin.decorator.js';

@Admin('products')
export class AdminProductsController {
  constructor(@InjectSoftDeleteRepository(Product) private readonly products: SoftDeleteRepository<Product>) {}

  /** Takes a product off the shelves, with its reviews; 409 when somebody ordered it. */
  @Delete(':id')
  @ApiProblems(400, 404, 409)
  @ApiOkResponse({ type: DeletionResultDto })
  async remove(@Param('id', IdPipe) id: number): Promise<DeletionResult> {
    const product = await this.products.findOneOrFail(id);
    return this.products.softDelete(product, { actor: 'admin' });
  }

  @Post(':id/restore')
  @ApiProblems(400, 404, 409)
  @HttpCode(200)
  @ApiOkResponse({ type: RestoreResultDto })
  async restore(@Param('id', IdPipe) id: number): Promise<RestoreResult> {
    const product = await this.products.withDeleted().findOneOrFail(id);
    return this.products.restore(product);
  }
}
