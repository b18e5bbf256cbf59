"""`python -m perennial_embedded` fetches Kafka's jars where they are missing, and says why where that fails."""

import sys

from perennial_embedded.kafka_jars import KafkaUnavailable, classpath, java


def main() -> int:
    try:
        java()
        classpath()
    except KafkaUnavailable as unavailable:
        print(unavailable, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
