import { Controller, Get, Param } from '@nestjs/common';
import { InjectSoftDeleteRepository, type SoftDeleteRepository } from 'nestjs-mikro-orm-soft-delete';
import { Product } from '../entities/product.entity.js';
import { ApiProblems } from '../http/api-problems.decorator.js';
import { IdPipe } from '../http/id.pipe.js';
import { ProductDto } from './product.dto.js';

@Controller('products')
export class ProductsController {
  constructor(@InjectSoftDeleteRepository(Product) private readonly products: SoftDeleteRepository<Product>) {}

  @Get()
  async list(): Promise<ProductDto[]> {
    const products = await this.products.findAll({ orderBy: { id: 'asc' } });
    return products.map((product) => ProductDto.of(product));
  }

  @Get(':id')
  @ApiProblems(400, 404)
  async show(@Param('id', IdPipe) id: number): Promise<ProductDto> {
    return ProductDto.of(await this.products.findOneOrFail(id));
  }
}
