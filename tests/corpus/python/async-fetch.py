import asyncio

async def main():
    async with asyncio.timeout(1):
        import logging
        logging.info("import aiohttp some day")

asyncio.run(main())
