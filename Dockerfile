# One image for every role: `docker run rightbay gateway`, `router`, `deliver`, `api`, `migrate`.
# Installed the way `make` installs it: hash-checked dependencies, then the rooms as they stand.
FROM python:3.13-slim

ENV PATH=/opt/rightbay/.venv/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /opt/rightbay

COPY requirements/run.txt requirements/run.txt
RUN python -m venv .venv \
    && pip install --no-cache-dir --require-hashes --requirement requirements/run.txt

COPY . .
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m compileall -q api audit dtc_db gateway rightbay routing simulators storage \
    && useradd --system --uid 10001 --no-create-home rightbay

USER 10001
ENTRYPOINT ["rightbay"]
CMD ["--help"]
